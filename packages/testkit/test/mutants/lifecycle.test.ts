import { judge } from './judge.js';
import { lifecycleMutants } from './lifecycle.js';

judge('lifecycle', lifecycleMutants);
