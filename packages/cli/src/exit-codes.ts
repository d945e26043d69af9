import { constants } from 'node:os';
import { CommandLineError } from './command-line-error.js';

/** What the command line itself can end with; everything else is the command's own. As env, timeout and docker do. */
export const EXIT = {
  success: 0,
  /** `doctor`: no backend is available, or with `--parity` two differ. `conformance`: a case failed. */
  failure: 1,
  /** A mistake in the arguments; nothing was started. */
  usage: 2,
  /** `--timeout` is over. */
  timedOut: 124,
  /** Companion failed, not the command. */
  companion: 125,
  notExecutable: 126,
  notFound: 127,
} as const;

/** As shells do: 128 and the signal's number; 128 alone for one that exists inside and not on this machine. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + (constants.signals[signal] ?? 0);
}

/** The code for a command that ended. */
export function exitCodeOfStatus(status: {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}): number {
  if (status.signal !== null) return exitCodeOfSignal(status.signal);
  return status.code ?? EXIT.companion;
}

/** The code for what was thrown. */
export function exitCodeOfError(error: unknown): number {
  if (error instanceof CommandLineError) return error.exitCode;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'COMPANION_COMMAND_NOT_FOUND':
      return EXIT.notFound;
    case 'COMPANION_COMMAND_NOT_EXECUTABLE':
      return EXIT.notExecutable;
    // It had not even started.
    case 'COMPANION_TIMED_OUT':
      return EXIT.timedOut;
    default:
      return EXIT.companion;
  }
}
