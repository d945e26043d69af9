// What `npm test` runs once everything is installed: build, unit and conformance tests, the examples' own tests.
// Runs all of them even if one fails, says what it left out, and ends with the sum.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { report, reportCommand, reportsFolder, root, writeReport } from './check-report.mjs';
import { tally } from './tally.mjs';
import { workspaceFolders } from './workspace-folders.mjs';

const vitestReport = join(reportsFolder, 'test.vitest.json');

/** Runs an example's `test` script; what node:test counted stands in its last lines. */
function testExample(folder) {
  const { name, scripts } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  if (scripts?.test === undefined)
    return report(`${name}: has a test`, ['no "test" script in its package.json']);
  const ended = spawnSync('pnpm', ['run', 'test'], {
    cwd: join(root, folder),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const output = `${ended.stdout}${ended.stderr}`.trim();
  if (ended.status !== 0) return report(`${name}: its test passes`, [output]);
  const ran = /^(?:#|ℹ) pass (\d+)$/m.exec(output);
  return report(`${name}: its test passes`, ran?.[1] === '0' ? ['it ran no test at all'] : []);
}

/** Tests that vitest skipped, by title: a skip that nobody sees is a hole. */
function printLeftOut() {
  let skipped = [];
  try {
    skipped = JSON.parse(readFileSync(vitestReport, 'utf8'))
      .testResults.flatMap((file) => file.assertionResults)
      .filter(({ status }) => ['pending', 'skipped', 'todo'].includes(status))
      .map(({ fullName }) => fullName);
  } catch {
    // vitest did not get as far as a report: the failed check above says so
  }
  console.log('\nLeft out here:');
  for (const title of skipped) console.log(`  skipped: ${title}`);
  console.log('  the packed packages, on this Node or others: npm run smoke [-- 20.19.0 22 24 26]');
  console.log('  formatting, types, lint, dependency arrows:  npm run check');
  console.log('  all of it, as CI does:                       .ci/run\n');
}

rmSync(vitestReport, { force: true });
mkdirSync(reportsFolder, { recursive: true });
const built = reportCommand('every package builds', 'turbo', ['run', 'build', '--output-logs=errors-only']);
const tests = ['run', '--project', 'unit', '--project', 'conformance', '--project', 'mutants'];
const vitest = spawnSync(
  'vitest',
  [
    ...tests,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${vitestReport}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' },
);
if (vitest.error !== undefined) report('vitest runs', [vitest.error.message]);
for (const folder of workspaceFolders(root).filter((one) => one.startsWith('examples/'))) {
  if (built) testExample(folder);
  else report(`${folder}: its test passes`, ['not run: the build failed']);
}
printLeftOut();
writeReport('test');
if (vitest.status !== 0) process.exitCode = 1;
tally({ test: process.exitCode ?? 0 });
