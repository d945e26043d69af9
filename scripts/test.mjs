// What `npm test` runs once everything is installed: build, unit and conformance tests, the examples' own tests.
// Runs all of them even if one fails, says what it left out, and ends with the sum.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { report, reportCommand, reportsFolder, root, writeReport } from './check-report.mjs';
import { prepareEngines } from './engines.mjs';
import { testExample } from './example-tests.mjs';
import { tally } from './tally.mjs';
import { workspaceFolders } from './workspace-folders.mjs';

const vitestReport = join(reportsFolder, 'test.vitest.json');

/** Engines that are not here, and tests that were skipped, by title: a skip that nobody sees is a hole. */
function printLeftOut(engines, skippedExamples) {
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
  for (const title of [...skipped, ...skippedExamples]) console.log(`  skipped: ${title}`);
  for (const engine of engines) console.log(`  ${engine}`);
  console.log('  the packed packages, on this Node or others: npm run smoke [-- 20.19.0 22 24 26]');
  console.log('  formatting, types, lint, dependency arrows:  npm run check');
  console.log('  all of it, as CI does:                       .ci/run\n');
}

mkdirSync(reportsFolder, { recursive: true });
for (const file of readdirSync(reportsFolder)) {
  if (file.startsWith('test.')) rmSync(join(reportsFolder, file));
}
const leftOut = prepareEngines();
const built = reportCommand('every package builds', 'turbo', ['run', 'build', '--output-logs=errors-only']);
const tests = [
  'run',
  ...['unit', 'conformance', 'mutants', 'engines', 'nix'].flatMap((name) => ['--project', name]),
];
const vitest = spawnSync(
  'vitest',
  [
    ...tests,
    '--reporter=default',
    '--reporter=json',
    `--reporter=${join(root, 'scripts/unhandled-errors.mjs')}`,
    `--outputFile.json=${vitestReport}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' },
);
if (vitest.error !== undefined) report('vitest runs', [vitest.error.message]);
const examples = workspaceFolders(root).filter((one) => one.startsWith('examples/'));
// All at once: they mostly wait for the tools that they run.
const skipped = built ? (await Promise.all(examples.map(testExample))).flat() : [];
if (!built) report("the examples' tests pass", ['not run: the build failed']);
printLeftOut(leftOut, skipped);
writeReport('test');
if (vitest.status !== 0) process.exitCode = 1;
tally({ test: process.exitCode ?? 0 });
