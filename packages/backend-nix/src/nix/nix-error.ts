import { CompanionError } from '@companion/core';
import { causeOf } from './failure-cause.js';

/** How a call of Nix ended that gave nothing. */
export type NixFailure =
  | { readonly is: 'exited' }
  | { readonly is: 'killed'; readonly signal: string }
  | { readonly is: 'timed-out'; readonly timeoutMs: number; readonly doing: string }
  | { readonly is: 'too-much'; readonly bytes: number };

const HANGS =
  'Try again, as Nix itself hangs at times (NixOS/nix#9082); where it needs longer, raise `backendOptions.nix.evaluationTimeoutMs`.';

/** `lines`: the last that Nix said, already without secrets. `cwd`: where it ran. */
export function nixError(failure: NixFailure, lines: readonly string[], cwd: string): CompanionError {
  const said = lines.length === 0 ? '' : ['; its last lines:', ...lines].join('\n  ');
  return new CompanionError('COMPANION_START_FAILED', `${sentence(failure)}${said}`, {
    hint: failure.is === 'timed-out' ? HANGS : causeOf(lines, cwd)?.hint,
  });
}

function sentence(failure: NixFailure): string {
  switch (failure.is) {
    case 'exited':
      return 'nix could not make the dev shell';
    case 'killed':
      return `nix was ended by ${failure.signal} before it had made the dev shell`;
    case 'timed-out':
      return `nix had not made the dev shell after ${failure.timeoutMs} ms: it was ${failure.doing}`;
    case 'too-much':
      return `nix printed more than ${failure.bytes} bytes instead of a dev shell`;
  }
}
