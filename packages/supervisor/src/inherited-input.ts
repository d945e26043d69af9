import type { Writable } from 'node:stream';

/**
 * Feeds a process from this program's standard input until it has ended. What it did not read is for the next one, and
 * nobody reads on: that would keep this program alive.
 */
export function inheritInput(input: Writable, exited: Promise<unknown>): void {
  const { stdin } = process;
  const leave = (): void => {
    stdin.unpipe(input);
  };
  stdin.pipe(input);
  exited.then(leave, leave);
}
