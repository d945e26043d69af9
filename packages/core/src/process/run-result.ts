import type { Signal } from '../backend.js';

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
