import { cancellationMutants } from './cancellation.js';
import { judge } from './judge.js';

judge('cancellation', cancellationMutants);
