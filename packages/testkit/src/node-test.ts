import { after, describe, test } from 'node:test';
import type { ConformanceTarget } from './plan.js';
import type { ConformanceOptions } from './run-conformance.js';
import { suiteTests } from './suite-test.js';

/**
 * Registers each case as a test of `node:test`. Await it at the top of a test file: the backend is asked first, so
 * that what is skipped says why in its title.
 */
export async function conformance(
  target: ConformanceTarget,
  { only }: Pick<ConformanceOptions, 'only'> = {},
): Promise<void> {
  const { tests, close } = await suiteTests(target, { only });
  // What describe() returns is the runner's business.
  void describe(`conformance of ${target.backend.name}`, { concurrency: 1 }, () => {
    for (const { title, skipped, timeoutMs, run } of tests) {
      void test(title, { skip: skipped, timeout: timeoutMs || undefined }, run);
    }
    after(close);
  });
}
