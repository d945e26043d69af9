import { judge } from './judge.js';
import { signalsMutants } from './signals.js';

judge('signals', signalsMutants);
