// Named checks, each printed as it passes or fails, and a count file that scripts/tally.mjs adds up.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const reportsFolder = join(root, 'node_modules/.cache/reports');

const count = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** Records one check. `problems` are sentences; none means it passed. */
export function report(name, problems = []) {
  const failed = problems.length > 0;
  count[failed ? 'failed' : 'passed'] += 1;
  if (failed) count.failures.push({ name, why: problems.join('\n') });
  console.log(`${failed ? 'FAIL' : 'pass'}  ${name}`);
  for (const problem of problems) console.log(`      ${problem.replaceAll('\n', '\n      ')}`);
  return !failed;
}

/** Records a check that this machine cannot make, with the reason. */
export function skip(name, reason) {
  count.skipped += 1;
  console.log(`skip  ${name}: ${reason}`);
}

/** Runs a command as one check: its output is shown only if it fails. */
export function reportCommand(name, command, args = [], options = {}) {
  const ended = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
    ...options,
  });
  if (ended.status === 0 && ended.error === undefined) return report(name);
  const why = ended.error?.message ?? `${command} ended with ${ended.signal ?? `code ${ended.status}`}`;
  const output = `${ended.stdout ?? ''}${ended.stderr ?? ''}`.trim();
  return report(name, [why, ...(output === '' ? [] : [output])]);
}

/** Call after the last check: writes the count file and sets the exit code. No check at all is a failure. */
export function writeReport(reportName) {
  if (count.passed + count.failed + count.skipped === 0) report('at least one check was made', ['none was']);
  writeCounts(reportName, count);
  if (count.failed > 0) process.exitCode = 1;
}

/** Leaves a count file: { passed, failed, skipped, failures: [{ name, why }] }. */
export function writeCounts(reportName, counts) {
  mkdirSync(reportsFolder, { recursive: true });
  writeFileSync(join(reportsFolder, `${reportName}.json`), JSON.stringify(counts));
}

/** Call last: as writeReport, and prints the sum. */
export function finish(reportName) {
  writeReport(reportName);
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
}
