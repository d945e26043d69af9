import { argumentsMutants } from './arguments.js';
import { cancellationMutants } from './cancellation.js';
import { claimsMutants } from './claims.js';
import { concurrencyMutants } from './concurrency.js';
import { detectionMutants } from './detection.js';
import { environmentVariablesMutants } from './environment-variables.js';
import { exitStatusMutants } from './exit-status.js';
import { filesystemMutants } from './filesystem.js';
import { lifecycleMutants } from './lifecycle.js';
import type { Mutant } from './mutant.js';
import { ownerDeathMutants } from './owner-death.js';
import { pathsMutants } from './paths.js';
import { portsMutants, sharedPortsMutants } from './ports.js';
import { redactionMutants } from './redaction.js';
import { signalsMutants } from './signals.js';
import { stdinMutants } from './stdin.js';
import { streamsMutants } from './streams.js';
import { terminalsMutants } from './terminals.js';

export { unproven } from './unproven.js';

/** Every mutant. docs/conformance.md is made of these too. */
export const mutants: readonly Mutant[] = [
  ...argumentsMutants,
  ...cancellationMutants,
  ...claimsMutants,
  ...concurrencyMutants,
  ...detectionMutants,
  ...environmentVariablesMutants,
  ...exitStatusMutants,
  ...filesystemMutants,
  ...lifecycleMutants,
  ...ownerDeathMutants,
  ...pathsMutants,
  ...portsMutants,
  ...redactionMutants,
  ...sharedPortsMutants,
  ...signalsMutants,
  ...stdinMutants,
  ...streamsMutants,
  ...terminalsMutants,
];
