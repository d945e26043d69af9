import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const directory = fileURLToPath(new URL('./fixtures/vitest', import.meta.url));
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

interface Assertion {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

test('vitest shows each case by its id, skips with the reason in the title, and fails with the reason', async () => {
  const args = [vitest, 'run', '--reporter=json', '--config', join(directory, 'vitest.config.ts')];
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: directory }, (_error, stdout) => resolve(stdout));
  });
  const report = JSON.parse(output.slice(output.indexOf('{'))) as {
    readonly testResults: readonly { readonly assertionResults: readonly Assertion[] }[];
  };
  const assertions = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const seen = assertions.map(
    ({ fullName, status }) => `${status} ${fullName.replace(/(\w): [^[]*/, '$1 ').trim()}`,
  );
  expect(seen.sort()).toEqual([
    'failed conformance of silent exit-status.used-once',
    'passed conformance of local exit-status.used-once',
    'passed conformance of local suite.leaves-nothing',
    'passed conformance of silent suite.leaves-nothing',
    'skipped conformance of absent exit-status.used-once [not available: no engine (Start it.)]',
    'skipped conformance of local descendants.refused [applies to descendants false, it has true]',
  ]);
  const failure = assertions.find(({ status }) => status === 'failed');
  expect(failure?.failureMessages.join('\n')).toContain('nothing can be started');
}, 60_000);
