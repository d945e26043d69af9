import { concurrencyMutants } from './concurrency.js';
import { judge } from './judge.js';

judge('concurrency', concurrencyMutants);
