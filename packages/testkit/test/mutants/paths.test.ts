import { judge } from './judge.js';
import { pathsMutants } from './paths.js';

judge('paths', pathsMutants);
