/** A mistake of whoever typed the command, with the way out: nothing is written, and the exit code is 2. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
