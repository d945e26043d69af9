import { judge } from './judge.js';
import { stdinMutants } from './stdin.js';

judge('stdin', stdinMutants);
