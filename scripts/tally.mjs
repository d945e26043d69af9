// Says once more what failed, then the closing line that any CI can read: "N passed, N failed, N skipped".
//
//   node scripts/tally.mjs step=exitcode…      e.g. test=0 check=1
//
// A step's counts are in node_modules/.cache/reports/<step>.json or <step>.<part>.json: vitest's JSON report, or
// { passed, failed, skipped, failures }. A step that failed and whose files know of no failure counts as one failure; a step
// that passed and left no file counts as one pass. Uses nothing that an install brings: it must work when that failed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of a failure, at the end: where a log is cut, that is what remains. */
const SHOWN_LINES = 15;

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules/.cache/reports');

/** Counts of one report file; a file that cannot be read is a failure of whoever wrote it. */
function readCounts(file) {
  try {
    const content = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    if (content.testResults === undefined) return content;
    // A test file that dies on import has no tests: vitest counts the file only.
    const broken = content.testResults.filter(
      (one) => one.status === 'failed' && one.assertionResults.length === 0,
    );
    const tests = content.testResults.flatMap((one) => one.assertionResults);
    return {
      passed: content.numPassedTests,
      failed: content.numFailedTests + broken.length,
      skipped: content.numPendingTests + content.numTodoTests,
      failures: [
        ...broken.map(({ name, message }) => ({ name, why: message })),
        ...tests
          .filter(({ status }) => status === 'failed')
          .map(({ fullName, failureMessages }) => ({ name: fullName, why: failureMessages.join('\n') })),
      ],
    };
  } catch (error) {
    return { passed: 0, failed: 1, skipped: 0, failures: [{ name: file, why: error.message }] };
  }
}

function printFailures(failures) {
  for (const { name, why = '' } of failures) {
    const lines = why.split('\n').filter((line) => line.trim() !== '');
    const shown = lines.length > SHOWN_LINES ? [...lines.slice(0, SHOWN_LINES), '…'] : lines;
    console.log(['', `FAILED  ${name}`, ...shown.map((line) => `        ${line}`)].join('\n'));
  }
  if (failures.length > 0) console.log();
}

/** Adds up the steps, given as { step: exit code }. */
export function tally(steps) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const files = existsSync(folder) ? readdirSync(folder) : [];
  for (const [step, code] of Object.entries(steps)) {
    const counts = files
      .filter((file) => file === `${step}.json` || file.startsWith(`${step}.`))
      .map(readCounts);
    const sum = (key) => counts.reduce((value, one) => value + one[key], 0);
    const unexplained = code !== 0 && sum('failed') === 0;
    total.passed += sum('passed') + (code === 0 && counts.length === 0 ? 1 : 0);
    total.failed += sum('failed') + (unexplained ? 1 : 0);
    total.skipped += sum('skipped');
    failures.push(...counts.flatMap((one) => one.failures ?? []));
    if (unexplained) failures.push({ name: step, why: `ended with code ${code}: see above` });
  }
  printFailures(failures);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const steps = process.argv.slice(2).map((argument) => argument.split('='));
  const { failed } = tally(Object.fromEntries(steps.map(([step, code]) => [step, Number(code)])));
  if (failed > 0) process.exitCode = 1;
}
