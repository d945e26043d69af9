import { AssertionError } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitUntilOptions {
  /** What is waited for, to begin the message with: `the end of process 4711`. */
  readonly what: string;
  /** Default: 15,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How often is looked; also the resolution of everything that is measured by waiting. */
const LOOK_EVERY_MS = 10;

/**
 * Looks until there is something other than `undefined`, `null` or `false`, and resolves with it. Polls, since
 * file notifications do not cross every mount. Rejects with an AssertionError once the time is up, and with
 * `signal.reason`.
 */
export async function waitUntil<T>(
  look: () => Promise<T> | T,
  { what, timeoutMs = 15_000, signal }: WaitUntilOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const seen = await look();
    if (isSomething(seen)) return seen;
    if (performance.now() >= deadline) {
      throw new AssertionError({
        message: `${what}: waited ${timeoutMs} ms in vain`,
        stackStartFn: waitUntil,
      });
    }
    await delay(LOOK_EVERY_MS, undefined, signal === undefined ? {} : { signal });
  }
}

function isSomething<T>(value: T): value is Exclude<T, undefined | null | false> {
  return value !== undefined && value !== null && value !== false;
}
