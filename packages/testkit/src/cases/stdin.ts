import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompanionProcess } from '@companion/core';
import type { ConformanceCase } from '../case.js';
import { runLendingInput } from '../owner.js';
import { throwsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

const MEBIBYTE = 1024 * 1024;
const TEN_MEGABYTES = Buffer.alloc(10_000_000, 'companion');

/** Errors of a process's standard input, from now on. There must never be one: the verdict is the truth. */
function inputErrors(process: CompanionProcess): unknown[] {
  const errors: unknown[] = [];
  process.stdin.on('error', (error) => errors.push(error));
  return errors;
}

/** Resolves once the stream has taken the bytes, wherever they went. */
async function written(process: CompanionProcess, bytes: Buffer | string): Promise<void> {
  await new Promise<void>((resolve) => {
    process.stdin.write(bytes, () => resolve());
  });
}

/** What a process is given to read, and what happens when it does not. */
export const stdinCases: readonly ConformanceCase[] = [
  {
    id: 'stdin.half-close',
    title: 'ending standard input is end-of-file for the process, and its output goes on',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      // Everything is said after the end-of-file, more than any buffer on the way holds.
      const script = 'count=$(wc -c); echo $((count)); head -c 3000000 /dev/zero; echo error >&2; exit 3';
      const counter = await runner.spawn(...sh(script));
      const output = context.due(
        'it reads to the end-of-file, and its output goes on until it ends',
        Promise.all([buffer(counter.stdout), text(counter.stderr)]),
      );
      counter.stdin.write('one\n');
      counter.stdin.end('two\n');
      const [stdout, stderr] = await output;
      assert.equal(stdout.subarray(0, 2).toString(), '8\n', 'it read everything up to the end-of-file');
      assert.equal(stdout.length, 3_000_002, 'output after the end-of-file is complete');
      assert.equal(stderr, 'error\n', 'stderr is open as well');
      assert.deepEqual({ ...(await counter.wait()) }, { code: 3, signal: null }, 'it ended by itself');
    },
  },
  {
    id: 'stdin.end-of-file-by-default',
    title: 'run() and newProcess() give end-of-file at once, from an open descriptor',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const { stdout } = await context.due('run(): reading ends at once', runner.run('cat'));
      assert.equal(stdout, '', 'run(): there is nothing to read');
      const started = runner.newProcess('cat');
      await started.start();
      assert.deepEqual(
        { ...(await context.due('newProcess(): reading ends at once', started.wait())) },
        { code: 0, signal: null },
        'newProcess(): reading ends well',
      );
      // With a closed one, the first file that the process opens becomes its standard input.
      const probe = '{ : <&0; } 2>/dev/null && echo open || echo closed';
      assert.equal((await runner.run(...sh(probe))).stdout, 'open\n', 'the descriptor is open');
      throwsWith(() => runner.newProcess('cat').stdin, 'COMPANION_WRONG_STATE', 'stdin without withStdin()');
    },
  },
  {
    id: 'stdin.inherited',
    title: "with stdin `inherit` a process reads this program's own standard input, to its end",
    since: 1,
    requires: {},
    needsModule: true,
    run: async (context) => {
      const script = sh('while IFS= read -r line; do echo "got $line"; done; echo end');
      const said = context.due(
        "the command reads to the end of the program's input",
        runLendingInput(context, script, 'one\ntwo\n'),
      );
      assert.equal(await said, 'got one\ngot two\nend\n', "the input must be the program's own");
    },
  },
  {
    id: 'stdin.conversation',
    title: 'spawn() gives an open pipe on which a conversation is possible',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const [file, args] = sh('while IFS= read -r line; do echo "got $line"; done; echo end');
      const built = runner.newProcess(file, ...args).withStdin();
      // Written before the start, it is there after it.
      built.stdin.write('early\n');
      await built.start();
      const builtLines = built.lines();
      const early = 'withStdin() takes what is written before the start';
      assert.equal((await context.due(early, builtLines.next())).value, 'got early', early);
      built.stdin.end();
      assert.equal((await builtLines.next()).value, 'end', 'and its end-of-file');

      const spawned = await runner.spawn(file, args);
      const lines = spawned.lines();
      for (const word of ['one', 'two', 'three']) {
        spawned.stdin.write(`${word}\n`);
        const answered = 'every line is answered before the next is written';
        assert.equal((await context.due(answered, lines.next())).value, `got ${word}`, answered);
      }
      spawned.stdin.end();
      assert.equal((await lines.next()).value, 'end', 'the end-of-file comes last');
    },
  },
  {
    id: 'stdin.input',
    title: 'run() feeds text, bytes and streams, unchanged, and then end-of-file',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const values = Uint8Array.from({ length: 256 }, (_, value) => value);
      async function* parts(): AsyncGenerator<string | Uint8Array> {
        yield 'gr\u00fc\u00dfe ';
        yield values;
      }
      for (const [what, input, expected] of [
        ['text', 'gr\u00fc\u00dfe \u{1f600}\n', Buffer.from('gr\u00fc\u00dfe \u{1f600}\n')],
        ['bytes', values, Buffer.from(values)],
        ['a stream', parts(), Buffer.concat([Buffer.from('gr\u00fc\u00dfe '), values])],
        ['nothing', '', Buffer.alloc(0)],
      ] as const) {
        const running = runner.run('cat', [], { input, encoding: 'buffer' });
        const { stdout } = await context.due(`${what} comes back from cat, which ends`, running);
        assert.ok(stdout.equals(expected), `${what} comes back from cat: ${stdout.toString('hex')}`);
      }
    },
  },
  {
    id: 'stdin.hundred-megabyte-echo',
    title: '100 MB through cat come back byte for byte',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 120_000,
    run: async (context) => {
      const runner = await context.shared();
      const echo = await runner.spawn('cat');
      const received = createHash('sha256');
      let bytes = 0;
      echo.stdout.on('data', (chunk: Buffer) => {
        received.update(chunk);
        bytes += chunk.length;
      });
      const end = once(echo.stdout, 'end');
      const sent = createHash('sha256');
      for (let block = 0; block < 100; block += 1) {
        // Every block has bytes of its own, and no block ends where a buffer on the way does.
        const chunk = Buffer.alloc(1_000_000, `companion ${block} `);
        sent.update(chunk);
        if (!echo.stdin.write(chunk)) await once(echo.stdin, 'drain');
      }
      echo.stdin.end();
      await end;
      assert.equal(bytes, 100_000_000, 'every byte comes back');
      assert.equal(received.digest('hex'), sent.digest('hex'), 'the bytes are the ones that were sent');
      assert.deepEqual({ ...(await echo.wait()) }, { code: 0, signal: null }, 'cat ends well');
    },
  },
  {
    id: 'stdin.ignored-input',
    title: 'a process that does not read its 10 MB of input hangs nothing and raises nothing',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      async function* stream(): AsyncGenerator<Uint8Array> {
        for (let part = 0; part < 10; part += 1) yield TEN_MEGABYTES.subarray(0, 1_000_000);
      }
      for (const [script, code] of [
        ['echo said', 0],
        ['exec <&-; echo said; exit 6', 6],
        ['head -c 1 > /dev/null; echo said; exit 7', 7],
      ] as const) {
        for (const input of [TEN_MEGABYTES, stream()]) {
          const demand = `'${script}' has a verdict although its input is left unread`;
          const result = await context.due(demand, runner.run(...sh(script), { input, reject: false }));
          const got = { code: result.code, signal: result.signal, stdout: result.stdout };
          assert.deepEqual(got, { code, signal: null, stdout: 'said\n' }, `'${script}' with 10 MB of input`);
        }
        const spawned = await runner.spawn(...sh(script));
        const errors = inputErrors(spawned);
        const taken = written(spawned, TEN_MEGABYTES);
        assert.equal((await spawned.wait()).code, code, `'${script}', spawned, with 10 MB written`);
        await taken;
        assert.deepEqual(errors, [], 'a broken pipe is not an error');
      }
    },
  },
  {
    id: 'stdin.write-after-exit',
    title: 'writing to a process that has ended is quiet',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const ended = await runner.spawn(...sh('exit 0'));
      const errors = inputErrors(ended);
      await ended.wait();
      await written(ended, 'too late\n');
      await written(ended, TEN_MEGABYTES);
      await new Promise<void>((resolve) => {
        ended.stdin.end('the last word\n', () => resolve());
      });
      assert.deepEqual(errors, [], 'nothing is raised');
      assert.deepEqual(
        { ...(await ended.wait()) },
        { code: 0, signal: null },
        'the verdict stays what it was',
      );
    },
  },
  {
    id: 'stdin.back-pressure',
    title: 'a process that does not read blocks its writer, and goes on where it stopped',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.shared();
      // Reads nothing until TERM; a background command has no standard input of this shell.
      const slow = await runner.spawn(...sh('trap "wc -c; exit" TERM; echo ready; sleep 60 & wait'));
      const lines = slow.lines();
      await lines.next();
      const blocks = 64;
      let taken = 0;
      for (let block = 0; block < blocks; block += 1) {
        slow.stdin.write(Buffer.alloc(MEBIBYTE, 'x'), () => {
          taken += 1;
        });
      }
      await delay(500, undefined, { signal: context.signal });
      assert.ok(taken < 32, `the writer waits: ${taken} MiB of ${blocks} were taken though nobody reads`);
      slow.stdin.end();
      await slow.signal('SIGTERM');
      assert.equal(Number((await lines.next()).value), blocks * MEBIBYTE, 'nothing was lost meanwhile');
      assert.equal(taken, blocks, 'every block was taken in the end');
      await slow.stop({ graceMs: 0 });
    },
  },
  {
    id: 'stdin.failing-source',
    title: 'a source of input that fails ends the process and rejects with its own error',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const failure = new Error('the source has failed');
      async function* failing(): AsyncGenerator<string> {
        yield 'one\n';
        throw failure;
      }
      const cat = runner.newProcess('cat');
      await assert.rejects(cat.run({ input: failing() }), failure, 'the error of the source comes through');
      assert.equal(cat.isRunning(), false, 'the process is gone');
    },
  },
];
