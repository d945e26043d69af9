// What `npm test` runs once everything is installed: build, unit and conformance tests, the examples' own tests.
// Runs all of them even if one fails, says what it left out, and ends with the sum.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { report, reportCommand, reportsFolder, root, writeReport } from './check-report.mjs';
import { tally } from './tally.mjs';
import { workspaceFolders } from './workspace-folders.mjs';

const vitestReport = join(reportsFolder, 'test.vitest.json');

/** Runs an example's `test` script; what node:test counted stands in its last lines. */
async function testExample(folder) {
  const { name, scripts } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  if (scripts?.test === undefined)
    return report(`${name}: has a test`, ['no "test" script in its package.json']);
  const { code, output } = await capture('pnpm', ['run', 'test'], join(root, folder));
  if (code !== 0) return report(`${name}: its test passes`, [output]);
  const ran = /^(?:#|ℹ) pass (\d+)$/m.exec(output);
  return report(`${name}: its test passes`, ran?.[1] === '0' ? ['it ran no test at all'] : []);
}

async function capture(command, args, cwd) {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const code = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message)).once('close', resolve);
  });
  return { code, output: output.trim() };
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
const examples = workspaceFolders(root).filter((one) => one.startsWith('examples/'));
// All at once: they mostly wait for the tools that they run.
if (built) await Promise.all(examples.map(testExample));
else for (const folder of examples) report(`${folder}: its test passes`, ['not run: the build failed']);
printLeftOut();
writeReport('test');
if (vitest.status !== 0) process.exitCode = 1;
tally({ test: process.exitCode ?? 0 });
