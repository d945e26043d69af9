import type { RunResult } from './process/run-result.js';

/** Stable codes: part of the API. Messages are not. */
export type CompanionErrorCode =
  | 'COMPANION_NO_BACKEND'
  | 'COMPANION_UNSUPPORTED'
  | 'COMPANION_INVALID_BACKEND'
  | 'COMPANION_WRONG_STATE'
  | 'COMPANION_START_FAILED'
  | 'COMPANION_SHUTDOWN_FAILED'
  | 'COMPANION_COMMAND_NOT_FOUND'
  | 'COMPANION_COMMAND_NOT_EXECUTABLE'
  | 'COMPANION_WORK_DIR_NOT_FOUND'
  | 'COMPANION_COMMAND_FAILED'
  | 'COMPANION_TIMED_OUT'
  | 'COMPANION_ABORTED'
  | 'COMPANION_OUTPUT_TOO_LARGE'
  | 'COMPANION_PATH_NOT_MAPPED'
  | 'COMPANION_PORT_UNAVAILABLE'
  | 'COMPANION_NOT_READY'
  | 'COMPANION_IMAGE_UNAVAILABLE'
  | 'COMPANION_ENVIRONMENT_LOST';

// Symbol.for, not Symbol: an error made by another copy of core in this process must be recognised too.
const BRAND = Symbol.for('@companion/core/error/v1');

export interface CompanionErrorOptions {
  readonly cause?: unknown;
  /** What the user can do about it; a full sentence. */
  readonly hint?: string | undefined;
}

/** Every failure that is not the caller's mistake in an argument (those are `TypeError`s). */
export class CompanionError extends Error {
  readonly code: CompanionErrorCode;
  /** What the user can do about it, when there is something. */
  readonly hint: string | undefined;

  constructor(code: CompanionErrorCode, message: string, options: CompanionErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  override get name(): string {
    return 'CompanionError';
  }

  get [BRAND](): true {
    return true;
  }

  /** True for an error of any copy of core; with `code`, only for that code. */
  static is(value: unknown, code?: CompanionErrorCode): value is CompanionError {
    if (typeof value !== 'object' || value === null || !(BRAND in value)) return false;
    return code === undefined || (value as CompanionError).code === code;
  }
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

/** The caller's mistake in an argument: says what was expected and what came. */
export function invalidArgument(what: string, expected: string, got: unknown): TypeError {
  return new TypeError(`${what}: expected ${expected}, got ${show(got)}`);
}

/** The same for what may be a secret: says what kind of value came, never the value. */
export function invalidSecretArgument(what: string, expected: string, got: unknown): TypeError {
  return new TypeError(`${what}: expected ${expected}, got ${kindOf(got)}`);
}

/** A value in one short line. Strings are quoted and cut; objects are named, never listed. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 120 ? `${value.slice(0, 119)}…` : value);
  return typeof value === 'object' || typeof value === 'function' ? kindOf(value) : String(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The error an aborted call rejects with; `signal.reason` is its cause. */
export function abortedError(what: string, signal: AbortSignal | undefined): CompanionError {
  return new CompanionError('COMPANION_ABORTED', `${what} was aborted`, { cause: signal?.reason });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
