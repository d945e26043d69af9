import type { ConformanceTarget } from './plan.js';
import { type CaseReport, type ConformanceReport, reportOf } from './report.js';
import { Suite } from './suite.js';

export interface ConformanceOptions {
  /** Ids of cases, or areas (what stands before the dot). Default: all. */
  readonly only?: readonly string[];
  /** Aborting ends the running case, cleans up and rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Called after each case. */
  readonly onCase?: (report: CaseReport) => void;
}

/**
 * Runs the cases against a backend, one after the other and without any test runner. Resolves with the report
 * whatever the backend does; rejects with a TypeError for a mistake in the target or in `only`. While it runs,
 * `TMPDIR` of this process points to a directory of its own.
 */
export async function runConformance(
  target: ConformanceTarget,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const { only, signal, onCase } = options;
  signal?.throwIfAborted();
  const suite = await Suite.prepare(target, { only });
  return await runSuite(suite, target.backend.name, { signal, onCase });
}

/** @internal All entries of a suite, and its end however they end. */
export async function runSuite(
  suite: Suite,
  backend: string,
  {
    signal,
    onCase,
  }: { readonly signal?: AbortSignal | undefined; readonly onCase?: ConformanceOptions['onCase'] } = {},
): Promise<ConformanceReport> {
  const reports: CaseReport[] = [];
  try {
    for (const entry of suite.entries) {
      signal?.throwIfAborted();
      const { report } = await entry.run(signal);
      signal?.throwIfAborted();
      reports.push(report);
      onCase?.(report);
    }
  } finally {
    await suite.close();
  }
  return reportOf(backend, reports);
}
