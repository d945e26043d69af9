import { CompanionError } from '../errors.js';
import type { CandidateReport } from './select.js';

/** Nobody is left: lists every candidate with its reason and hint. */
export function noBackendError(
  candidates: readonly CandidateReport[],
  preferredBy: string | undefined,
  cause: unknown,
): CompanionError {
  if (candidates.length === 0) {
    return new CompanionError('COMPANION_NO_BACKEND', 'there is no backend to choose from', {
      hint: "Import at least one (import '@companion/backend-local'), or give some in the option `backends`.",
    });
  }
  const named = preferredBy === undefined ? '' : ` (named by ${preferredBy}, so no other was asked)`;
  const only = candidates.length === 1 ? candidates[0] : undefined;
  const lines = candidates.map(({ backend, reason, hint }) => {
    const withHint = hint === undefined || only !== undefined ? '' : `. ${hint}`;
    return `  ${backend}: ${reason ?? 'unavailable'}${withHint}`;
  });
  return new CompanionError(
    'COMPANION_NO_BACKEND',
    `no backend can serve this companion${named}:\n${lines.join('\n')}`,
    { cause, hint: only?.hint },
  );
}
