import type { CompanionError } from '@companion/core';
import type { Engine } from '../engine/engine.js';
import { engineError } from '../engine/engine-error.js';

/** Why a container could not be had. */
export function startFailure({ endpoint }: Engine, error: unknown): CompanionError {
  return engineError(error, {
    what: 'the container could not be started',
    code: 'COMPANION_START_FAILED',
    endpoint,
  });
}
