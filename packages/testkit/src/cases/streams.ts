import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import type { ConformanceCase } from '../case.js';
import { sh } from '../shell.js';

/** 61 bytes, a prime: what is dropped, doubled or swapped in blocks shifts everything behind it. */
const LINE = `${'companion-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKL'}\n`;

const HUNDRED_MEGABYTES = 100_000_000;

/** The digest of `LINE`, repeated and cut after `bytes`. */
function digestOfLines(bytes: number): string {
  const hash = createHash('sha256');
  const block = Buffer.from(LINE.repeat(16_384));
  for (let left = bytes; left > 0; left -= block.length)
    hash.update(block.subarray(0, Math.min(left, block.length)));
  return hash.digest('hex');
}

/** What a process says is what is read: every byte, in order, on its own stream. */
export const streamsCases: readonly ConformanceCase[] = [
  {
    id: 'streams.late-reader',
    title: 'a reader that comes after the end of the process loses nothing',
    since: 1,
    requires: {},
    run: async (context) => {
      let exited: () => void = () => {};
      const exit = new Promise<void>((resolve) => {
        exited = resolve;
      });
      const runner = await context.start({
        onEvent: (event) => {
          if (event.topic === 'process' && event.type === 'exited') exited();
        },
      });
      // More than a pipe holds, less than is held for a reader that has not come yet.
      const late = await runner.spawn(
        ...sh('yes x | head -c 600000; echo the-last-line; echo the-error >&2'),
      );
      await exit;
      // Node lets go of streams that nobody has touched some turns after the end.
      for (let turns = 0; turns < 20; turns += 1) await turn();
      assert.equal(late.isRunning(), false, 'it has ended');
      const [stdout, stderr] = await Promise.all([text(late.stdout), text(late.stderr)]);
      assert.equal(stdout.length, 600_014, 'stdout is complete');
      assert.ok(
        stdout.startsWith('x\nx\n') && stdout.endsWith('x\nthe-last-line\n'),
        'from first to last byte',
      );
      assert.equal(stderr, 'the-error\n', 'stderr is complete');
    },
  },
  {
    id: 'streams.last-bytes',
    title: 'what a process writes just before it exits is read',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (let round = 0; round < 20; round += 1) {
        // Two writers and a last word on each stream, all of it still in the pipes when the process is gone.
        const script = 'yes x | head -c 50000; yes y | head -c 50000 >&2; printf END >&2; printf END; exit 2';
        const { code, stdout, stderr } = await runner.run(...sh(script), { reject: false });
        const got = { code, stdout: stdout.length, stderr: stderr.length };
        assert.deepEqual(
          got,
          { code: 2, stdout: 50_003, stderr: 50_003 },
          `round ${round}: nothing is missing`,
        );
        assert.ok(
          stdout.endsWith('x\nEND') && stderr.endsWith('y\nEND'),
          `round ${round}: the last bytes are there`,
        );
      }
    },
  },
  {
    id: 'streams.separate',
    title: 'stdout and stderr are separate, also when both are large at once',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.shared();
      const script = 'yes out | head -c 5000000 & yes error | head -c 6000000 >&2; wait';
      const { stdout, stderr } = await runner.run(...sh(script));
      assert.ok(stdout === 'out\n'.repeat(1_250_000), `stdout has its own bytes only (${stdout.length})`);
      assert.ok(stderr === 'error\n'.repeat(1_000_000), `stderr has its own bytes only (${stderr.length})`);
    },
  },
  {
    id: 'streams.hundred-megabytes',
    title: '100 MB arrive byte for byte',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 120_000,
    run: async (context) => {
      const runner = await context.shared();
      const large = await runner.spawn(...sh(`yes "$1" | head -c ${HUNDRED_MEGABYTES}`, LINE.trimEnd()));
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of large.stdout as AsyncIterable<Buffer>) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      assert.equal(bytes, HUNDRED_MEGABYTES, 'every byte arrives');
      assert.equal(
        hash.digest('hex'),
        digestOfLines(HUNDRED_MEGABYTES),
        'the bytes are the ones that were written',
      );
      assert.deepEqual({ ...(await large.wait()) }, { code: 0, signal: null }, 'the writer ends well');
    },
  },
  {
    id: 'streams.all-byte-values',
    title: 'all 256 byte values pass both streams unchanged',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const values = Array.from({ length: 256 }, (_, value) => value);
      const octal = values.map((value) => `\\${value.toString(8).padStart(3, '0')}`).join('');
      const { stdout, stderr } = await runner.run(...sh('printf "$1"; printf "$1" >&2', octal), {
        encoding: 'buffer',
      });
      assert.deepEqual([...stdout], values, 'stdout has every value once, in order');
      assert.deepEqual([...stderr], values, 'stderr has every value once, in order');
    },
  },
  {
    id: 'streams.split-character',
    title: 'a character whose bytes come one at a time is decoded as one character',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const word = 'gr\u00fc\u00dfe \u20ac \u{1f600}';
      const octal = [...Buffer.from(word)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}\n`);
      // Writes the byte that a line of input names, then asks for the next one.
      const [file, args] = sh('while IFS= read -r byte; do printf "$byte"; echo next >&2; done; echo');

      const spawned = await runner.spawn(file, args);
      const lines = collected(spawned.lines());
      const asks = spawned.lines({ stream: 'stderr' });
      for (const byte of octal) {
        spawned.stdin.write(byte);
        await asks.next();
      }
      spawned.stdin.end();
      assert.deepEqual(await lines, [word], 'lines() decodes whole characters');

      let ask: () => void = () => {};
      async function* byteByByte(): AsyncGenerator<string> {
        for (const byte of octal) {
          const asked = new Promise<void>((resolve) => {
            ask = resolve;
          });
          yield byte;
          await asked;
        }
      }
      const onLine = (_line: string, stream: 'stdout' | 'stderr'): void => {
        if (stream === 'stderr') ask();
      };
      const { stdout } = await runner.run(file, args, { input: byteByByte(), onLine });
      assert.equal(stdout, `${word}\n`, 'run() decodes whole characters');
    },
  },
  {
    id: 'streams.long-line',
    title: 'a line of 10 MB is one line',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.shared();
      const long = await runner.spawn(
        ...sh('echo before; head -c 10000000 /dev/zero | tr "\\0" x; echo; echo after'),
      );
      const lines = await collected(long.lines());
      assert.deepEqual(
        lines.map((line) => line.length),
        [6, 10_000_000, 5],
        'three lines, the second of 10 MB',
      );
      assert.ok(/^x*$/.test(lines[1] ?? ''), 'it holds what was written');
    },
  },
  {
    id: 'streams.line-breaks',
    title: 'LF and CRLF end lines, CR alone does not, and collected output keeps them all',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const [file, args] = sh("printf 'unix\\nwindows\\r\\n\\r\\n\\nold\\rmac\\n'");
      const seen: string[] = [];
      const { stdout } = await runner.run(file, args, { onLine: (line) => void seen.push(line) });
      assert.equal(stdout, 'unix\nwindows\r\n\r\n\nold\rmac\n', 'run() changes nothing');
      const expected = ['unix', 'windows', '', '', 'old\rmac'];
      assert.deepEqual(seen, expected, 'onLine gets lines without their line breaks');
      assert.deepEqual(
        await collected((await runner.spawn(file, args)).lines()),
        expected,
        'lines() does, too',
      );
    },
  },
  {
    id: 'streams.no-final-newline',
    title:
      'a last line without a line break is a line, and a line break at the end does not make another one',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const [output, expected] of [
        ['a\\nb', ['a', 'b']],
        ['a\\nb\\n', ['a', 'b']],
        ['\\n', ['']],
        ['', []],
      ] as const) {
        const spawned = await runner.spawn(...sh(`printf '${output}'`));
        assert.deepEqual(await collected(spawned.lines()), expected, `lines of '${output}'`);
        const { stdout } = await runner.run(...sh(`printf '${output}'`));
        assert.equal(
          stdout,
          output.replaceAll('\\n', '\n'),
          `run() adds nothing to '${output}' and trims nothing`,
        );
      }
    },
  },
  {
    id: 'streams.with-output',
    title: 'withOutput() sends both streams to one writable and leaves it open',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const target = new PassThrough();
      const received = text(target);
      for (const name of ['first', 'second']) {
        const { stdout } = await runner
          .newProcess('sh', '-c', `echo ${name}; echo ${name} >&2`)
          .withOutput(target)
          .run();
        assert.equal(stdout, '', 'what goes elsewhere is not collected');
      }
      assert.equal(target.writableEnded, false, 'the writable stays open');
      target.end();
      // Nothing orders two streams of one process.
      assert.equal(await received, 'first\nfirst\nsecond\nsecond\n', 'both streams of both processes arrive');
    },
  },
];

async function collected(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}
