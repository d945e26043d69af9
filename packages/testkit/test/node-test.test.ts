import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const fixture = fileURLToPath(new URL('./fixtures/node-test.mjs', import.meta.url));

test('node:test shows each case by its id, skips with the reason in the title, and fails with the reason', async () => {
  // A test run inside a test run would take itself for a part of it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, ['--test', '--test-reporter=tap', fixture], { env }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  expect(output).toMatch(/^ *# Subtest: conformance of local$/m);
  expect(output).toMatch(/^ *ok \d+ - exit-status\.used-once: /m);
  expect(output).toMatch(/^ *ok \d+ - descendants\.refused: .*it has true\\?\] # SKIP$/m);
  expect(output).toMatch(/^ *ok \d+ - suite\.leaves-nothing: /m);
  expect(output).toMatch(
    /^ *ok \d+ - exit-status\.used-once: .*not available: no engine \(Start it\.\)\\?\] # SKIP$/m,
  );
  expect(output).toMatch(/^ *not ok \d+ - exit-status\.used-once: /m);
  expect(output).toContain('nothing can be started');
  expect(output).toMatch(/^# pass 3$/m);
  expect(output).toMatch(/^# fail 1$/m);
  expect(output).toMatch(/^# skipped 2$/m);
}, 60_000);
