import type { ExitStatus } from '../backend.js';

/** `git (3 arguments)`: arguments may hold secrets, so they are counted and never shown. */
export function describeCommand(file: string, args: readonly string[]): string {
  if (args.length === 0) return file;
  return `${file} (${args.length} ${args.length === 1 ? 'argument' : 'arguments'})`;
}

export function describeStatus(status: ExitStatus): string {
  return status.signal === null ? `exited with code ${status.code}` : `was ended by ${status.signal}`;
}

const TAIL_LINES = 10;
const TAIL_CHARACTERS = 2000;

/** The last lines of output, indented, for the end of a message; empty when there was none. */
export function lastLines(stderr: Buffer, stdout: Buffer): string {
  const text = (stderr.length > 0 ? stderr : stdout)
    .subarray(-TAIL_CHARACTERS * 4)
    .toString('utf8')
    .trimEnd();
  if (text === '') return '';
  const lines = text.slice(-TAIL_CHARACTERS).split(/\r?\n/).slice(-TAIL_LINES);
  return `:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
