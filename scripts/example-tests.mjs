// The examples' own tests, which node:test runs.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { report, root, skip, writeCounts } from './check-report.mjs';

/**
 * Runs an example's `test` script as one check, and leaves the count of its tests. Returns what was skipped, with
 * reasons.
 */
export async function testExample(folder) {
  const { name, scripts } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  if (scripts?.test === undefined) {
    report(`${name}: has a test`, ['no "test" script in its package.json']);
    return [];
  }
  const { code, output } = await capture('pnpm', ['run', 'test', '--test-reporter=tap'], join(root, folder));
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const [passed, skipped] = [count('pass'), count('skipped')];
  const left = [...output.matchAll(/^\s*ok \d+ - (.*?) # SKIP(?: (.*))?$/gm)].map(
    ([, title, reason]) => `${name}: ${title}${reason ? ` (${reason})` : ''}`,
  );
  if (code !== 0)
    report(`${name}: its tests pass`, [...failuresIn(output), output === '' ? String(code) : output]);
  else if (passed > 0) report(`${name}: its tests pass (${passed})`);
  else if (skipped > 0) skip(`${name}: its tests pass`, `all ${skipped} are skipped, such as ${left[0]}`);
  else report(`${name}: its tests pass`, ['there was none']);
  writeCounts(`test.${name}`, { passed, failed: count('fail') + count('cancelled'), skipped });
  return passed > 0 ? left : left.slice(0, 1);
}

/** The tests that failed, with what they say: of thousands of lines, those that matter first. */
function failuresIn(tap) {
  const failed = /^( *)not ok \d+ - (.*)\n(?: *---\n)?((?:\1 {2}.*\n)*)/gm;
  return [...tap.matchAll(failed)].map(([, , title, details]) => {
    const error = /^ *error: (.*(?:\n {8,}.*)*)/m.exec(details)?.[1] ?? '';
    return `${title}: ${error}`;
  });
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
