import type { StandardStreams } from './standard-streams.js';

/** One command of the command line; its module is loaded when it is called. */
export interface Command {
  readonly help: string;
  /** Resolves with the exit code. Rejects with what `main()` says in one sentence. */
  execute(args: readonly string[], streams: StandardStreams): Promise<number>;
}
