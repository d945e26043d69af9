import { judge } from './judge.js';
import { streamsMutants } from './streams.js';

judge('streams', streamsMutants);
