// The programs of docs/getting-started.md, run as the page says: node FILE, in the directory that holds it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

test('first.mjs says which environment it has and which Node is inside', async () => {
  const { stdout } = await run(process.execPath, ['first.mjs'], { cwd: import.meta.dirname });
  assert.match(stdout, /^environment: local \(.+\)\nnode inside: v\d+\.\d+\.\d+\n$/);
});

test('server.mjs gets an answer from the server inside, and ends', async () => {
  const { stdout } = await run(process.execPath, ['server.mjs'], { cwd: import.meta.dirname });
  assert.equal(stdout, 'hello from inside\n');
});
