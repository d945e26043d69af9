import { AssertionError } from 'node:assert';
import { setMaxListeners } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import type { Capabilities, CompanionRunner } from '@companion/core';
import type { CaseContext, ConformanceCase } from './case.js';
import { Companions, SHUTDOWN_MS } from './companions.js';
import { describeError } from './failure.js';
import { endMarkedProcesses } from './leftovers.js';
import { PendingDemands } from './pending-demands.js';
import type { ConformanceTarget } from './plan.js';
import { collectStrayErrors } from './stray-errors.js';
import { within } from './within.js';

/** How long a case may take unless it says otherwise. */
const CASE_TIMEOUT_MS = 30_000;
/** For a case to notice that its time is up. */
const UNWIND_MS = 2000;

/** How long a test around a case must wait, so that it is never the one to give up. */
export function longestMs({ timeoutMs = CASE_TIMEOUT_MS }: ConformanceCase): number {
  return timeoutMs + UNWIND_MS + SHUTDOWN_MS + 15_000;
}

/** Where and with what a case runs. */
export interface CaseSurroundings {
  readonly target: ConformanceTarget;
  readonly capabilities: Capabilities;
  /** Made for the case, and gone afterwards. */
  readonly directory: string;
  /** What everything inside is marked with. */
  readonly mark: string;
  /** Aborts the case, as its time limit does. */
  readonly signal?: AbortSignal | undefined;
  /** For one companion's shutdown, and no more for what else has to come to its end. Default: {@link SHUTDOWN_MS}. */
  readonly shutdownMs?: number | undefined;
  shared(): Promise<CompanionRunner>;
}

export interface CaseOutcome {
  /** What failed, the case first, then cleaning up after it; empty when it has passed. */
  readonly failures: readonly string[];
  /** What the case itself rejected with. */
  readonly error: unknown;
  /** The case alone. */
  readonly durationMs: number;
}

/**
 * Runs one case and removes what it made. Never rejects because of the backend, and never waits for it without an
 * end: what does not settle is named as a failure and left.
 */
export async function runCase(one: ConformanceCase, surroundings: CaseSurroundings): Promise<CaseOutcome> {
  const { target, capabilities, directory, mark, signal, shutdownMs, shared } = surroundings;
  const abort = new AbortController();
  // A case may wait for a hundred things at once.
  setMaxListeners(0, abort.signal);
  const onAbort = (): void => abort.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  await mkdir(directory, { recursive: true });
  const companions = new Companions(target, directory, mark, abort.signal);
  const stray = collectStrayErrors();
  const pending = new PendingDemands(abort.signal);
  try {
    const startedAt = performance.now();
    const { failures, error } = await attempt(
      one,
      abort,
      pending,
      Math.min(UNWIND_MS, shutdownMs ?? UNWIND_MS),
      {
        backend: target.backend,
        capabilities,
        directory,
        signal: abort.signal,
        module: target.module,
        defaults: companions.defaults,
        create: (options) => companions.create(options),
        start: (options) => companions.start(options),
        due: pending.due,
        shared,
      },
    );
    const durationMs = performance.now() - startedAt;
    failures.push(...(await companions.end(shutdownMs)));
    const left = await endMarkedProcesses(mark, shutdownMs);
    if (left !== null) failures.push(`after shutdown(): ${left}`);
    failures.push(...(await removeDirectory(directory)));
    failures.push(...stray.errors.map((error) => `an error that nobody caught: ${describeError(error)}`));
    return { failures, error, durationMs };
  } finally {
    stray.stop();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** What failed: nothing, the case itself, or its time limit and whether it noticed. */
async function attempt(
  one: ConformanceCase,
  abort: AbortController,
  pending: PendingDemands,
  unwindMs: number,
  context: CaseContext,
): Promise<{ readonly failures: string[]; readonly error?: unknown }> {
  const { timeoutMs = CASE_TIMEOUT_MS } = one;
  // In an async function, so that a case which throws before its first await fails like any other.
  const running = (async () => await one.run(context))();
  const aborted = new Promise<never>((_, reject) => {
    if (abort.signal.aborted) reject(abort.signal.reason);
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true });
  });
  const verdict = await within(Promise.race([running, aborted]), timeoutMs);
  if (verdict.is === 'done') return { failures: [] };
  const error = verdict.is === 'failed' ? verdict.error : timeIsUp(pending.list(), timeoutMs);
  if (verdict.is === 'late') abort.abort(error);
  const failures = [describeError(error)];
  if (abort.signal.aborted && (await within(running, unwindMs)).is === 'late') {
    failures.push('what it was waiting for has not settled since');
  }
  return { failures, error };
}

function timeIsUp(demands: readonly string[], timeoutMs: number): Error {
  if (demands.length === 0) return new Error(`it took longer than ${timeoutMs} ms`);
  return new AssertionError({
    message: demands.map((demand) => `${demand}: it has not come after ${timeoutMs} ms`).join('\n'),
  });
}

async function removeDirectory(directory: string): Promise<readonly string[]> {
  const removed = await within(rm(directory, { recursive: true, force: true, maxRetries: 3 }), SHUTDOWN_MS);
  if (removed.is === 'done') return [];
  const why = removed.is === 'late' ? 'it takes too long' : describeError(removed.error);
  return [`its directory cannot be removed: ${why}`];
}
