// The examples of docs/processes.md: each region stands there word for word (scripts/check-docs.mjs).
import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { CommandFailedError, CompanionError, startCompanion } from '@companion/core';
import '@companion/backend-local';

let sourceDir;
let runner;

before(async () => {
  sourceDir = await mkdtemp(join(tmpdir(), 'guide-processes-'));
  runner = await startCompanion({ name: 'guide', sourceDir });
});
after(async () => {
  await runner.shutdown();
  await rm(sourceDir, { recursive: true });
});

test('run() collects', async () => {
  // #region run
  const { stdout, durationMs } = await runner.run('node', ['--print', '6 * 7']);
  // #endregion
  assert.equal(stdout, '42\n');
  assert.ok(durationMs > 0);
});

test('run() feeds standard input', async () => {
  // #region input
  const sorted = await runner.run('sort', ['-r'], { input: 'b\nc\na\n', env: { LC_ALL: 'C' } });
  // #endregion
  assert.equal(sorted.stdout, 'c\nb\na\n');
});

test('lines come as they are written', async () => {
  const lines = [];
  // #region on-line
  await runner.run('sh', ['-c', 'echo one; echo two >&2'], {
    onLine: (line, stream) => lines.push(`${stream}: ${line}`),
  });
  // #endregion
  assert.deepEqual(lines.sort(), ['stderr: two', 'stdout: one']);
});

test('anything but code 0 rejects, and reject: false returns the verdict', async () => {
  const seen = [];
  // #region failed
  try {
    await runner.run('sh', ['-c', 'echo "no such table" >&2; exit 3']);
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    seen.push(error.message, error.result.code, error.result.stderr);
  }
  // #endregion
  assert.deepEqual(seen, ['sh (2 arguments) exited with code 3:\n  no such table', 3, 'no such table\n']);
  // #region reject
  const { code, reason } = await runner.run('grep', ['-q', 'word'], { input: 'text', reject: false });
  // #endregion
  assert.deepEqual([code, reason], [1, 'exited']);
});

test('time is limited and a run can be aborted', async () => {
  // #region timeout
  const slow = await runner.run('sleep', ['60'], { timeoutMs: 100, reject: false });
  // #endregion
  assert.equal(slow.reason, 'timed-out');
  // #region abort
  const aborted = runner.run('sleep', ['60'], { signal: AbortSignal.timeout(100) });
  // #endregion
  const error = await aborted.catch((caught) => caught);
  assert.ok(CompanionError.is(error, 'COMPANION_ABORTED'));
});

test('spawn() gives the streams', async () => {
  // #region spawn
  const process = await runner.spawn('cat');
  process.stdin.end('one\ntwo\n');
  const lines = [];
  for await (const line of process.lines()) lines.push(line);
  const status = await process.wait();
  // #endregion
  assert.deepEqual(lines, ['one', 'two']);
  assert.deepEqual(status, { code: 0, signal: null });
});

test('a spawned stream is read to its end although a descendant holds it', async () => {
  // #region to-the-end
  const process = await runner.spawn('sh', ['-c', 'sleep 60 & echo all of it']);
  const output = text(process.stdout); // claimed, and being read
  const status = await process.wait(); // its own end
  await process.stop(); // ends what it has left behind, and with it the stream
  const all = await output;
  // #endregion
  assert.deepEqual(status, { code: 0, signal: null });
  assert.equal(all, 'all of it\n');
});

test('the builder shapes a process before it starts', async () => {
  const log = createWriteStream(join(sourceDir, 'build.log'));
  // #region builder
  const process = runner
    .newProcess('sh', '-c', 'echo "$GREETING $PLACES"')
    .withDir({ hostPath: sourceDir })
    .withEnv({ GREETING: 'hello', NODE_OPTIONS: undefined })
    .withEnvAppend('PLACES', 'here', ':')
    .withEnvAppend('PLACES', 'there', ':')
    .withOutput(log);
  const { code } = await process.run();
  // #endregion
  await new Promise((resolve) => log.end(resolve));
  assert.equal(code, 0);
  assert.equal(await readFile(join(sourceDir, 'build.log'), 'utf8'), 'hello here:there\n');
});

test('tools of the project come first', async () => {
  await mkdir(join(sourceDir, 'node_modules/.bin'), { recursive: true });
  await writeFile(join(sourceDir, 'node_modules/.bin/greet'), '#!/bin/sh\necho hello\n', { mode: 0o755 });
  // #region path
  const process = runner
    .newProcess('greet')
    .withEnvPrepend('PATH', runner.toCompanionPath('node_modules/.bin'));
  // #endregion
  assert.equal((await process.run()).stdout, 'hello\n');
});

test('stop() is polite first', async () => {
  // #region stop
  const server = await runner.spawn('sh', [
    '-c',
    'trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done',
  ]);
  await runner.waitForLine(server, 'ready');
  await server.stop({ graceMs: 5000 });
  const status = await server.wait();
  // #endregion
  assert.deepEqual(status, { code: 0, signal: null });
});

test('waitOn() counts a daemon as running', async (t) => {
  if (!runner.capabilities.descendants) return t.skip('the backend cannot see descendants');
  // #region wait-on
  const starter = runner.newProcess('sh', '-c', 'sleep 0.3 & exit 7').waitOn('sleep');
  await starter.start();
  const { code } = await starter.wait(); // once the sleep has ended
  // #endregion
  assert.equal(code, 7);
});
