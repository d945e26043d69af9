import type { ConformanceTarget } from './plan.js';
import { Suite, type SuiteEntry, type SuiteOptions } from './suite.js';

/** One test for a test runner. */
export interface SuiteTest {
  /** With the reason, when it is skipped: a skip that nobody sees is a hole. */
  readonly title: string;
  readonly skipped: boolean;
  readonly timeoutMs: number;
  /** Rejects with the report's reason when the case fails. */
  run(): Promise<void>;
}

/** The suite as tests, to be registered in this order and run one at a time. */
export async function suiteTests(
  target: ConformanceTarget,
  options?: SuiteOptions,
): Promise<{ readonly tests: readonly SuiteTest[]; close(): Promise<void> }> {
  const suite = await Suite.prepare(target, options);
  return {
    tests: suite.entries.map(testOf),
    // Where a runner left out the last entry; what it would have said is not asked for then.
    close: async () => void (await suite.close()),
  };
}

function testOf(entry: SuiteEntry): SuiteTest {
  const { id, title, skipped, longestMs } = entry;
  return {
    title: skipped === undefined ? `${id}: ${title}` : `${id}: ${title} [${skipped}]`,
    skipped: skipped !== undefined,
    timeoutMs: longestMs,
    run: async () => {
      const { report, error } = await entry.run();
      // The cause is the case's own error, with the line it comes from.
      if (report.verdict === 'failed') throw new Error(report.reason, { cause: error });
    },
  };
}
