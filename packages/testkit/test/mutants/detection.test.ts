import { detectionMutants } from './detection.js';
import { judge } from './judge.js';

judge('detection', detectionMutants);
