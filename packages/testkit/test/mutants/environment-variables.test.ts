import { environmentVariablesMutants } from './environment-variables.js';
import { judge } from './judge.js';

judge('environment-variables', environmentVariablesMutants);
