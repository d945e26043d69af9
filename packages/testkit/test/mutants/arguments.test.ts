import { argumentsMutants } from './arguments.js';
import { judge } from './judge.js';

judge('arguments', argumentsMutants);
