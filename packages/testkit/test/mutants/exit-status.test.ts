import { exitStatusMutants } from './exit-status.js';
import { judge } from './judge.js';

judge('exit-status', exitStatusMutants);
