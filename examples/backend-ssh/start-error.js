import { CompanionError } from '@companion/core';
import { SpawnFailure } from '@companion/supervisor';

/** What the supervisor could not start, with core's codes. */
export function startError(error) {
  if (!(error instanceof SpawnFailure)) return error;
  const { companionCode, message } = error;
  const hint =
    companionCode === 'COMPANION_COMMAND_NOT_FOUND'
      ? "The environment has the machine's programs of /usr, /opt and /nix, and what is copied there."
      : undefined;
  return new CompanionError(companionCode, message, { hint, cause: error });
}
