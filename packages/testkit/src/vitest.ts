import { afterAll, describe, test } from 'vitest';
import type { ConformanceTarget } from './plan.js';
import type { ConformanceOptions } from './run-conformance.js';
import { suiteTests } from './suite-test.js';

/**
 * Registers each case as a test of vitest. Await it at the top of a test file: the backend is asked first, so that
 * what is skipped says why in its title.
 */
export async function conformance(
  target: ConformanceTarget,
  { only }: Pick<ConformanceOptions, 'only'> = {},
): Promise<void> {
  const { tests, close } = await suiteTests(target, { only });
  describe.sequential(`conformance of ${target.backend.name}`, () => {
    for (const { title, skipped, timeoutMs, run } of tests) {
      // No second try: a case that passes then has found a defect.
      test(title, { skip: skipped, timeout: timeoutMs, retry: 0 }, run);
    }
    afterAll(close, 60_000);
  });
}
