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
    throw failure(demand, `rejected with ${describe(error)} instead of ${code}`, error);
  }
  throw failure(demand, `it resolved instead of rejecting with ${code}`);
}

/** The same for what throws at once. */
export function throwsWith(call: () => unknown, code: CompanionErrorCode, demand: string): CompanionError {
  try {
    call();
  } catch (error) {
    if (CompanionError.is(error, code)) return error;
    throw failure(demand, `threw ${describe(error)} instead of ${code}`, error);
  }
  throw failure(demand, `it did not throw ${code}`);
}

function failure(demand: string, what: string, cause?: unknown): AssertionError {
  const error = new AssertionError({ message: `${demand}: ${what}`, stackStartFn: failure });
  if (cause !== undefined) error.cause = cause;
  return error;
}

function describe(error: unknown): string {
  if (CompanionError.is(error)) return `${error.code} (${error.message})`;
  return error instanceof Error ? `${error.name} (${error.message})` : String(error);
}
