import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

test('tool.js prints what prettier makes of its input, and where', async () => {
  const tool = join(import.meta.dirname, '../tool.js');
  // An engine, where there is one, would first have to pull the image.
  const env = { ...process.env, COMPANION_BACKEND: 'local' };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [tool], { env });
  assert.equal(stdout, 'const answer = { life: 42 }; // formatted in: local\n');
  assert.equal(stderr, '');
});
