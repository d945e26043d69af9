import { judge } from './judge.js';
import { redactionMutants } from './redaction.js';

judge('redaction', redactionMutants);
