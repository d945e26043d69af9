import { claimsMutants } from './claims.js';
import { judge } from './judge.js';

judge('claims', claimsMutants);
