import type { ExitStatus, Signal } from '../backend.js';
import { CompanionError, type CompanionErrorCode, type CompanionErrorOptions } from '../errors.js';

/** Why a process ended. */
export type EndReason =
  | 'exited'
  | 'signaled'
  | 'timed-out'
  | 'aborted'
  | 'stopped'
  | 'lost'
  | 'out-of-memory';

/** What came of a process that ran to completion. `code` and `signal` are both null only where `reason` is `lost`. */
export interface RunResult<Output extends string | Buffer = string> {
  readonly code: number | null;
  readonly signal: Signal | null;
  readonly reason: EndReason;
  /** Every byte, nothing trimmed; empty where the caller took the stream elsewhere. */
  readonly stdout: Output;
  readonly stderr: Output;
  /** From the start of the process to its end. */
  readonly durationMs: number;
}

/** A process ran and did not end well: carries what came of it. */
export class CommandFailedError extends CompanionError {
  readonly result: RunResult<string | Buffer>;

  constructor(
    code: CompanionErrorCode,
    message: string,
    result: RunResult<string | Buffer>,
    options: CompanionErrorOptions = {},
  ) {
    super(code, message, options);
    this.result = result;
  }

  override get name(): string {
    return 'CommandFailedError';
  }
}

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
