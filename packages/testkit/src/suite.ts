import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { Capabilities } from '@companion/core';
import type { ConformanceCase } from './case.js';
import { conformanceCases } from './cases.js';
import { askBackend } from './detection.js';
import { endMarkedProcesses, heldResources, type Resources, resourcesLeft } from './leftovers.js';
import {
  type ConformanceTarget,
  chosenCases,
  isRequired,
  type PlannedCase,
  planConformance,
} from './plan.js';
import type { CaseReport } from './report.js';
import { type CaseOutcome, longestMs, runCase } from './run-case.js';
import { Scratch } from './scratch.js';
import { SharedCompanion } from './shared-companion.js';

/** One line of the report to be: a case, or a check of the suite as a whole. */
export interface SuiteEntry {
  readonly id: string;
  readonly title: string;
  /** Set when it is not run. */
  readonly skipped?: string;
  /** How long a test around it must wait. */
  readonly longestMs: number;
  /** Never rejects because of the backend. The last entry closes the suite. */
  run(signal?: AbortSignal): Promise<EntryResult>;
}

interface EntryResult {
  readonly report: CaseReport;
  /** What the case rejected with, for who can show where that was. */
  readonly error?: unknown;
}

export interface SuiteOptions {
  /** Ids or areas of cases. Default: all of them. */
  readonly only?: readonly string[] | undefined;
  /** Default: the list of this package. */
  readonly cases?: readonly ConformanceCase[] | undefined;
  /** For one companion's shutdown after a case, and no more for what else has to come to its end. Default: 15,000. */
  readonly shutdownMs?: number | undefined;
}

/** What is there while cases run. */
interface Open {
  readonly scratch: Scratch;
  readonly shared: SharedCompanion;
  readonly held: Resources;
  /** Of failed attempts to end the shared companion in between. */
  readonly failures: string[];
}

/**
 * Everything that `runConformance()` and the adapters for test runners have in common: asks the backend, plans, and
 * runs entries in the order given, one at a time.
 */
export class Suite {
  readonly entries: readonly SuiteEntry[];
  readonly #target: ConformanceTarget;
  readonly #shutdownMs: number | undefined;
  readonly #mark = randomBytes(6).toString('hex');
  #open: Promise<Open> | undefined;
  #runs = 0;

  private constructor(
    target: ConformanceTarget,
    shutdownMs: number | undefined,
    entries: (suite: Suite) => readonly SuiteEntry[],
  ) {
    this.#target = target;
    this.#shutdownMs = shutdownMs;
    this.entries = entries(this);
  }

  /** Runs nothing yet. @throws TypeError for a mistake in the target or in `only`. */
  static async prepare(target: ConformanceTarget, options: SuiteOptions = {}): Promise<Suite> {
    const cases = options.cases ?? conformanceCases;
    const answer = await askBackend(target, tmpdir());
    const capabilities = answer.is === 'available' ? answer.capabilities : target.backend.capabilities;
    const ids = new Set(chosenCases(cases, options.only).map(({ id }) => id));
    const plan = planConformance(cases, target, capabilities).filter((planned) => ids.has(planned.case.id));
    if (answer.is === 'available') {
      return new Suite(target, options.shutdownMs, (suite) => [
        ...plan.map((planned) => suite.#entryOf(planned, capabilities)),
        ...suite.#checks(plan),
      ]);
    }
    const { reason } = answer;
    const fails = answer.is === 'faulty' || isRequired(target, process.env);
    return new Suite(target, undefined, () =>
      plan.map((planned) =>
        fails
          ? failing(planned.case, answer.is === 'faulty' ? reason : `required, but not available: ${reason}`)
          : skipped(planned.case, `not available: ${reason}`),
      ),
    );
  }

  /** Ends what cases share and restores this process. Says what was left; `null` when nothing was, and twice. */
  async close(): Promise<string | null> {
    const opening = this.#open;
    this.#open = undefined;
    if (opening === undefined) return null;
    const open = await opening;
    const left: (string | null)[] = [
      ...open.failures,
      ...(await open.shared.end(this.#shutdownMs)),
      await endMarkedProcesses(this.#mark, this.#shutdownMs),
      await open.scratch.close(),
      await resourcesLeft(open.held),
    ];
    const found = left.filter((one) => one !== null);
    return found.length === 0 ? null : found.join('\n');
  }

  #entryOf(planned: PlannedCase, capabilities: Capabilities): SuiteEntry {
    const one = planned.case;
    if (planned.action === 'skip') return skipped(one, planned.reason);
    const issue = planned.action === 'must-fail' ? planned.issue : undefined;
    return {
      id: one.id,
      title: one.title,
      longestMs: longestMs(one),
      run: async (signal) => {
        const { failures, error, durationMs } = await this.#run(one, capabilities, signal);
        const report = { id: one.id, title: one.title, durationMs, ...verdictOf(failures, issue) };
        return { report, error };
      },
    };
  }

  async #run(
    one: ConformanceCase,
    capabilities: Capabilities,
    signal: AbortSignal | undefined,
  ): Promise<CaseOutcome> {
    const { scratch, shared, failures } = await this.#opened();
    const outcome = await runCase(one, {
      target: this.#target,
      capabilities,
      directory: scratch.next(),
      mark: `${this.#mark}-${++this.#runs}.`,
      signal,
      shutdownMs: this.#shutdownMs,
      shared: () => shared.get(),
    });
    // What it left inside must not be held against the next one.
    if (one.shares === true && outcome.failures.length > 0)
      failures.push(...(await shared.end(this.#shutdownMs)));
    return outcome;
  }

  #opened(): Promise<Open> {
    this.#open ??= Scratch.open().then((scratch) => ({
      scratch,
      shared: new SharedCompanion(this.#target, `${this.#mark}-shared.`, () => scratch.next()),
      held: heldResources(),
      failures: [],
    }));
    return this.#open;
  }

  /** What is demanded of the run as a whole. */
  #checks(plan: readonly PlannedCase[]): readonly SuiteEntry[] {
    if (plan.every(({ action }) => action === 'skip')) {
      const title = 'At least one case applies.';
      return [failing({ id: 'suite.runs-cases', title }, 'every case is skipped: nothing has been shown')];
    }
    const id = 'suite.leaves-nothing';
    const title = 'Once all cases have ended, nothing of them is left: processes, listeners, files.';
    const run = async (): Promise<EntryResult> => {
      const startedAt = performance.now();
      const left = await this.close();
      const verdict = verdictOf(left === null ? [] : [left], undefined);
      return { report: { id, title, durationMs: performance.now() - startedAt, ...verdict } };
    };
    return [{ id, title, longestMs: 60_000, run }];
  }
}

function verdictOf(
  failures: readonly string[],
  issue: string | undefined,
): Pick<CaseReport, 'verdict' | 'reason'> {
  const reason = failures.join('\n');
  if (issue === undefined)
    return failures.length === 0 ? { verdict: 'passed' } : { verdict: 'failed', reason };
  if (failures.length > 0) return { verdict: 'waived', reason: `${issue}\n${reason}` };
  return { verdict: 'failed', reason: `it passes, although waived by ${issue}: remove the waiver` };
}

function skipped({ id, title }: Pick<ConformanceCase, 'id' | 'title'>, reason: string): SuiteEntry {
  const report: CaseReport = { id, title, verdict: 'skipped', reason, durationMs: 0 };
  return { id, title, skipped: reason, longestMs: 0, run: () => Promise.resolve({ report }) };
}

function failing({ id, title }: Pick<ConformanceCase, 'id' | 'title'>, reason: string): SuiteEntry {
  const report: CaseReport = { id, title, verdict: 'failed', reason, durationMs: 0 };
  return { id, title, longestMs: 10_000, run: () => Promise.resolve({ report }) };
}
