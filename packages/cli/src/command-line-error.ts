/** Codes of failures that belong to the command line; those of `@companion/core` come beside them. */
export type CommandLineErrorCode =
  | 'COMPANION_USAGE'
  /** Core's, with what could be installed. */
  | 'COMPANION_NO_BACKEND'
  | 'COMPANION_BACKEND_NOT_LOADED'
  | 'COMPANION_MODULE_NOT_LOADED'
  | 'COMPANION_TESTKIT_NOT_INSTALLED'
  | 'COMPANION_INTERRUPTED'
  | 'COMPANION_OUTPUT_FAILED';

/** A failure of the command line itself: one sentence, a way out, and the code to exit with. */
export class CommandLineError extends Error {
  readonly code: CommandLineErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(
    code: CommandLineErrorCode,
    message: string,
    options: {
      readonly hint?: string | undefined;
      readonly exitCode?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? (code === 'COMPANION_USAGE' ? 2 : 125);
  }

  override get name(): string {
    return 'CommandLineError';
  }
}

/** A mistake in the arguments: nothing is started, and the exit code is 2. */
export function usageError(message: string, hint?: string): CommandLineError {
  return new CommandLineError('COMPANION_USAGE', message, { hint });
}
