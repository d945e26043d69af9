import { AssertionError } from 'node:assert';
import { CompanionError, type CompanionErrorCode } from '@companion/core';

/**
 * Resolves with the error if `promise` rejects with a `CompanionError` of this code. Otherwise rejects with an
 * AssertionError that begins with `demand` and says what came instead.
 */
export async function rejectsWith(
  promise: Promise<unknown>,
  code: CompanionErrorCode,
  demand: string,
): Promise<CompanionError> {
  try {
    await promise;
  } catch (error) {
    if (CompanionError.is(error, code)) return error;
    throw failure(demand, `it must reject with ${code}, it rejected with ${describe(error)}`, error);
  }
  throw failure(demand, `it must reject with ${code}, it resolved`);
}

/** The same for what throws at once. */
export function throwsWith(call: () => unknown, code: CompanionErrorCode, demand: string): CompanionError {
  try {
    call();
  } catch (error) {
    if (CompanionError.is(error, code)) return error;
    throw failure(demand, `it must throw ${code}, it threw ${describe(error)}`, error);
  }
  throw failure(demand, `it must throw ${code}, it did not`);
}

function failure(demand: string, what: string, cause?: unknown): AssertionError {
  const error = new AssertionError({ message: `${demand}: ${what}`, stackStartFn: failure });
  if (cause !== undefined) error.cause = cause;
  return error;
}

function describe(error: unknown): string {
  if (CompanionError.is(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
