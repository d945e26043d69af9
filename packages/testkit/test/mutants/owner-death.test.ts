import { judge } from './judge.js';
import { ownerDeathMutants } from './owner-death.js';

judge('owner-death', ownerDeathMutants);
