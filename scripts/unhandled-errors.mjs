// A reporter of vitest: errors that no test caught fail a run, and its JSON report does not know them. They go into a
// count file of their own, for scripts/tally.mjs to name.
import { writeCounts } from './check-report.mjs';

export default class UnhandledErrors {
  onTestRunEnd(_files, errors) {
    if (errors.length === 0) return;
    const failures = errors.map(({ type = 'Unhandled error', message, stack, VITEST_TEST_PATH: file }) => ({
      name: file === undefined ? type : `${type} while ${file} ran`,
      why: stack ?? message,
    }));
    writeCounts('test.unhandled', { passed: 0, failed: failures.length, skipped: 0, failures });
  }
}
