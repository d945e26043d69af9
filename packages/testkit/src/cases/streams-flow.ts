import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompanionProcess } from '@companion/core';
import type { CaseContext, ConformanceCase } from '../case.js';
import { rejectsWith, throwsWith } from '../rejects-with.js';
import { sh } from '../shell.js';
import { waitUntil } from '../wait-until.js';

const MEBIBYTE = 1024 * 1024;
/** Of this process's growth, and of what a writer gets rid of while nobody reads. */
const MAX_GROWTH_BYTES = 32 * MEBIBYTE;
/** Between two signs of life of a writer that is not blocked there are milliseconds. */
const SILENT_MS = 500;
/** A pipe that is only slow to end: see exit-status.ts. */
const AT_ONCE_MS = 3000;

/** Resolves with what `count` gives once that has stopped growing. */
async function settledCount(count: () => number, { signal }: CaseContext): Promise<number> {
  let last = count();
  let since = performance.now();
  while (performance.now() - since < SILENT_MS) {
    await delay(50, undefined, { signal });
    if (count() === last) continue;
    last = count();
    since = performance.now();
  }
  return last;
}

/** Resolves with the verdict; rejects when it is not there at once. */
async function verdictAtOnce(
  { due }: CaseContext,
  process: CompanionProcess,
  what: string,
): Promise<{ code: number | null; signal: string | null }> {
  const startedAt = performance.now();
  const status = await due(`${what}: the verdict is due at once`, process.wait());
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < AT_ONCE_MS, `${what}: the verdict is due at once, it took ${Math.round(tookMs)} ms`);
  return { ...status };
}

/** Who reads sets the pace; who does not read must not be able to hang anything but the process. */
export const streamsFlowCases: readonly ConformanceCase[] = [
  {
    id: 'streams.back-pressure',
    title:
      'a reader that is stuck blocks the writer, costs less than 32 MiB, and gets everything when it goes on',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 120_000,
    run: async (context) => {
      const runner = await context.shared();
      const blocks = 128;
      const blockBytes = 512 * 1024;
      // 64 MiB; tells on stderr of every block that it has got rid of.
      const script =
        'block=0; while [ $block -lt "$1" ]; do head -c "$2" /dev/zero; echo >&2; block=$((block + 1)); done';
      const writer = await runner.spawn(...sh(script, String(blocks), String(blockBytes)));
      let written = 0;
      writer.stderr.on('data', (dots: Buffer) => {
        written += dots.length;
      });
      const { stdout } = writer;
      await once(stdout, 'readable');
      const before = process.memoryUsage().rss;
      const stuckAt = await settledCount(() => written, context);
      const growth = process.memoryUsage().rss - before;
      assert.ok(
        stuckAt * blockBytes < MAX_GROWTH_BYTES,
        `the writer is blocked; it wrote ${stuckAt} of ${blocks} blocks`,
      );
      assert.ok(
        growth < MAX_GROWTH_BYTES,
        `this process grows by less than 32 MiB, it grew by ${growth} bytes`,
      );
      assert.equal(writer.isRunning(), true, 'the writer waits, it has not ended');

      let bytes = 0;
      for await (const chunk of stdout as AsyncIterable<Buffer>) bytes += chunk.length;
      assert.equal(bytes, blocks * blockBytes, 'nothing was lost meanwhile');
      assert.deepEqual({ ...(await writer.wait()) }, { code: 0, signal: null }, 'the writer ends well');
      assert.equal(written, blocks, 'it wrote every block');
    },
  },
  {
    id: 'streams.destroyed-reader',
    title: 'a reader that goes away ends a writer that goes on, and hangs nothing',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const destroyed = await runner.spawn('yes');
      const { stdout } = destroyed;
      await once(stdout, 'data');
      stdout.destroy();
      const left = await runner.spawn('yes');
      for await (const line of left.lines()) {
        assert.equal(line, 'y', 'the first line is what it writes');
        break;
      }
      for (const process of [destroyed, left]) {
        const status = await context.due('the writer ends when it writes', process.wait());
        // SIGPIPE, or the code that `yes` gives when it is told of the broken pipe by its write.
        assert.notEqual(status.code, 0, 'the writer finds out when it writes');
      }
      // It writes nothing more, so there is nothing to find out.
      const silent = await runner.spawn(...sh('echo one; read line; exit 7'));
      await once(silent.stdout, 'data');
      silent.stdout.destroy();
      silent.stdin.end('go\n');
      assert.deepEqual({ ...(await silent.wait()) }, { code: 7, signal: null }, 'the verdict is its own');
    },
  },
  {
    id: 'streams.unclaimed',
    title: 'output that nobody has claimed never makes wait() or stop() hang',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const [file, args] = sh('head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; exit 8');
      const waited = await runner.spawn(file, args);
      assert.deepEqual({ ...(await waited.wait()) }, { code: 8, signal: null }, 'wait() drains both streams');
      const one = await runner.spawn(file, args);
      one.stdout.resume();
      assert.deepEqual(
        { ...(await one.wait()) },
        { code: 8, signal: null },
        'wait() drains the unclaimed one',
      );
      const endless = await runner.spawn('yes');
      await endless.stop();
      assert.equal(endless.isRunning(), false, 'stop() ends a writer that nobody reads');
    },
  },
  {
    id: 'streams.claim-after-release',
    title: 'a stream that wait() has let go cannot be claimed any more',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const code = 'COMPANION_WRONG_STATE';
      const waited = await runner.spawn(...sh('echo out; echo error >&2'));
      const { stderr } = waited;
      await waited.wait();
      throwsWith(() => waited.stdout, code, 'stdout after wait()');
      throwsWith(() => waited.lines(), code, 'lines() after wait()');
      assert.equal(
        (await buffer(stderr)).toString(),
        'error\n',
        'the stream that was claimed before is untouched',
      );
      assert.equal(waited.stderr, stderr, 'it may be taken again');

      const stopped = await runner.spawn('cat');
      await stopped.stop();
      throwsWith(() => stopped.stdout, code, 'stdout after stop()');
      throwsWith(() => stopped.lines({ stream: 'stderr' }), code, 'lines() of stderr after stop()');
      const late = await runner.spawn(...sh('exit 0'));
      await late.wait();
      const withOutput = Promise.resolve().then(() => late.withOutput(process.stdout));
      await rejectsWith(withOutput, code, 'withOutput() after the start');
    },
  },
  {
    id: 'streams.kill-while-unread',
    title:
      'SIGKILL settles wait() at once although a claimed stream is full, and what is held stays readable',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const writer = await runner.spawn('yes');
      const { stdout } = writer;
      stdout.once('readable', () => {});
      const full = (): boolean => stdout.readableLength >= stdout.readableHighWaterMark;
      await waitUntil(full, { what: 'a full stream', signal: context.signal });
      await writer.signal('SIGKILL');
      const status = await verdictAtOnce(context, writer, 'SIGKILL of a blocked writer');
      assert.deepEqual(status, { code: null, signal: 'SIGKILL' }, 'the verdict is the signal');
      const held = await buffer(stdout);
      assert.ok(held.length >= stdout.readableHighWaterMark, 'what was held can be read');
      assert.ok(Buffer.from('y\n'.repeat(held.length)).subarray(0, held.length).equals(held), 'unchanged');
    },
  },
  {
    id: 'streams.run-cuts-orphan-pipe',
    title: 'run() gives all output although a descendant keeps the pipes open',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const parent = runner.newProcess(
        'sh',
        '-c',
        'yes x | head -c 200000; echo end; echo error >&2; sleep 30 &',
      );
      try {
        const startedAt = performance.now();
        const { code, stdout, stderr } = await context.due('run() resolves soon', parent.run());
        const tookMs = performance.now() - startedAt;
        assert.ok(tookMs < AT_ONCE_MS, `the pipes are cut soon, it took ${Math.round(tookMs)} ms`);
        const got = { code, stdout: stdout.length, stderr };
        assert.deepEqual(got, { code: 0, stdout: 200_004, stderr: 'error\n' }, 'nothing is missing');
      } finally {
        await parent.stop({ graceMs: 0 });
      }
    },
  },
  {
    id: 'streams.spawn-stays-open',
    title: "a spawned process's streams stay open until the last holder has closed them",
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      // The descendant says what somebody writes into the pipe, then ends.
      const parent = await runner.spawn(...sh('mkfifo pipe; cat pipe & echo parent; exit 0'));
      const lines = parent.lines();
      assert.equal((await lines.next()).value, 'parent', 'its own output comes first');
      await parent.wait();
      // Longer than the 100 ms after which run() cuts.
      await delay(500, undefined, { signal: context.signal });
      await runner.run(...sh('echo descendant > pipe'));
      assert.equal((await lines.next()).value, 'descendant', 'what a descendant says after the end is read');
      assert.equal((await lines.next()).done, true, 'the stream ends with its last holder');
    },
  },
  {
    id: 'streams.stop-closes-held-pipes',
    title: 'stop() ends the streams that a descendant held open after the end of the process',
    since: 1,
    requires: { killTree: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const parent = await runner.spawn(...sh('sleep 30 & echo parent'));
      const output = buffer(parent.stdout);
      await parent.wait();
      await context.due('stop() ends the descendant', parent.stop());
      const said = await context.due('the stream ends with stop()', output);
      assert.equal(said.toString(), 'parent\n', 'the stream has ended, with what was said');
    },
  },
];
