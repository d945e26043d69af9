import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CommandFailedError, type CompanionError, type RunOptions } from '@companion/core';
import { describe, expect, it } from 'vitest';
import { deferred } from '../deferred.js';
import type { FakeBehaviour, FakeProcess } from '../fake-backend.js';
import { startedFake } from '../fake-companion.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs one fake process that does what is said. */
async function run(
  act: (fake: FakeProcess) => unknown,
  options: RunOptions = {},
  behaviour: FakeBehaviour = {},
) {
  const companion = await startedFake({
    spawn: (fake) => {
      setImmediate(() => void act(fake));
    },
    ...behaviour,
  });
  return await companion.runner.run('tool', ['a', 'b'], options);
}

async function failure(
  act: (fake: FakeProcess) => unknown,
  options: RunOptions = {},
): Promise<CompanionError & CommandFailedError> {
  return await run(act, options).then(
    (result) => expect.fail(`resolved with ${JSON.stringify(result)}`),
    (error: CompanionError & CommandFailedError) => error,
  );
}

const cat = async (fake: FakeProcess): Promise<void> => {
  fake.stdout.write(await text(fake.stdin!));
  fake.exit(0);
};

describe('run()', () => {
  it('gives all output, the verdict and how long it took', async () => {
    const result = await run((fake) => {
      fake.stdout.write('out\n');
      fake.stderr.write('err ');
      fake.exit(0);
    });
    expect(result).toEqual({
      code: 0,
      signal: null,
      reason: 'exited',
      stdout: 'out\n',
      stderr: 'err ',
      durationMs: expect.any(Number),
    });
    expect(result.durationMs).toBeGreaterThanOrEqual(0);
  });

  it('decodes characters that were cut in two, and gives bytes as they are where asked', async () => {
    const euro = Buffer.from('€');
    const act = async (fake: FakeProcess) => {
      fake.stdout.write(euro.subarray(0, 1));
      await tick();
      fake.stdout.write(euro.subarray(1));
      fake.stdout.write(Buffer.from([0xff]));
      fake.exit(0);
    };
    expect((await run(act)).stdout).toBe('€\u{fffd}');
    const { runner } = await startedFake({ spawn: (fake) => void setImmediate(() => void act(fake)) });
    const { stdout, stderr } = await runner.run('tool', [], { encoding: 'buffer' });
    expect(stdout).toEqual(Buffer.concat([euro, Buffer.from([0xff])]));
    expect(stderr).toEqual(Buffer.alloc(0));
  });

  it.each([
    [{ code: 3, signal: null }, 'exited', /exited with code 3/],
    [{ code: 137, signal: null }, 'exited', /exited with code 137/],
    [{ code: null, signal: 'SIGSEGV' }, 'signaled', /was ended by SIGSEGV/],
    [{ code: null, signal: 'SIGKILL', outOfMemory: true }, 'out-of-memory', /memory ran out/],
  ] as const)(
    'rejects when the verdict is %j, and with reject: false returns it',
    async (exit, reason, message) => {
      const error = await failure((fake) => fake.exit(exit));
      expect(error).toBeInstanceOf(CommandFailedError);
      expect(error).toMatchObject({
        code: 'COMPANION_COMMAND_FAILED',
        result: { code: exit.code, signal: exit.signal, reason },
      });
      expect(error.message).toMatch(message);
      expect(await run((fake) => fake.exit(exit), { reject: false })).toMatchObject({
        code: exit.code,
        signal: exit.signal,
        reason,
      });
    },
  );

  it('leaves a stream that was taken elsewhere alone', async () => {
    const { runner } = await startedFake({
      spawn: (fake) => {
        fake.stdout.write('mine');
        fake.stderr.write('run’s');
        fake.exit(0);
      },
    });
    const process = runner.newProcess('tool');
    const read = text(process.stdout);
    const result = await process.run();
    expect(result).toMatchObject({ stdout: '', stderr: 'run’s' });
    expect(await read).toBe('mine');
  });

  it('cuts a pipe that a silent descendant holds, and gives what came before', async () => {
    const result = await run((fake) => {
      fake.stdout.write('before');
      fake.exit(0, { holdPipes: true });
    });
    expect(result.stdout).toBe('before');
  });

  it('waits for what a descendant still says after the end', async () => {
    const result = await run(async (fake) => {
      fake.exit(0, { holdPipes: true });
      for (let index = 0; index < 5; index += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        fake.stdout.write(`${index}`);
      }
      fake.closePipes();
    });
    expect(result.stdout).toBe('01234');
  });

  it('never runs a process twice', async () => {
    const { runner } = await startedFake({ spawn: (fake) => fake.exit(0) });
    const process = runner.newProcess('tool');
    await process.run();
    await expect(process.run()).rejects.toMatchObject({ code: 'COMPANION_WRONG_STATE' });
  });
});

describe('input', () => {
  const file = import.meta.filename;

  it.each<[string, () => NonNullable<RunOptions['input']>, string]>([
    ['text', () => 'ä\n', 'ä\n'],
    ['no text', () => '', ''],
    ['bytes', () => new TextEncoder().encode('bytes'), 'bytes'],
    ['a buffer', () => Buffer.from('buffer'), 'buffer'],
    ['a stream', () => Readable.from(['a', Buffer.from('b')]), 'ab'],
    ['a web stream', () => ReadableStream.from(['a', 'b']) as AsyncIterable<string>, 'ab'],
    [
      'a generator, also of empty chunks',
      async function* () {
        yield '';
        yield 'a';
        await tick();
        yield new Uint8Array();
        yield new Uint8Array([0x62]);
        yield '';
      },
      'ab',
    ],
  ])('may be %s', async (_what, input, expected) => {
    expect((await run(cat, { input: input() })).stdout).toBe(expected);
  });

  it('may be a file', async () => {
    expect((await run(cat, { input: createReadStream(file) })).stdout).toContain('may be a file');
  });

  it('is end of file at once where there is none', async () => {
    const { runner, environment } = await startedFake({ spawn: (fake) => fake.exit(0) });
    await runner.run('tool');
    await runner.run('tool', [], { input: 'x' });
    expect(environment.processes.map(({ command }) => command.stdin)).toEqual(['ignore', 'pipe']);
  });

  it('that fails stops the process, and its error is the run’s', async () => {
    const error = new Error('disk read error');
    let fake: FakeProcess | undefined;
    const input = async function* () {
      yield 'a';
      throw error;
    };
    await expect(run((running) => (fake = running), { input: input() })).rejects.toBe(error);
    expect(fake?.kills).toContain('SIGTERM tree');
  });

  it('that is not read neither fails nor hangs', async () => {
    const result = await run((fake) => fake.exit(0), { input: Buffer.alloc(10_000_000) });
    expect(result.code).toBe(0);
  });

  it('without an end is given up with the process, and told so', async () => {
    const finished = deferred();
    let yielded = 0;
    const endless = async function* () {
      try {
        for (;;) {
          yielded += 1;
          yield 'x';
          await tick();
        }
      } finally {
        finished.resolve();
      }
    };
    await run((fake) => fake.exit(0), { input: endless() });
    await finished.promise;
    const before = yielded;
    for (let turn = 0; turn < 20; turn += 1) await tick();
    expect(yielded).toBe(before);
  });

  it('that nobody ever gives does not keep the run', async () => {
    const silent = new Readable({ read() {} });
    expect((await run((fake) => fake.exit(0), { input: silent })).code).toBe(0);
    expect(silent.destroyed).toBe(true);
  });
});

describe('onLine', () => {
  it('sees every line of both streams, with no line break', async () => {
    const seen: string[] = [];
    await run(
      async (fake) => {
        fake.stdout.write('one\ntw');
        await tick();
        fake.stderr.write('error\r\n');
        await tick();
        fake.stdout.write('o\nlast');
        fake.exit(0);
      },
      { onLine: (line, stream) => seen.push(`${stream}: ${line}`) },
    );
    expect(seen).toEqual(['stdout: one', 'stderr: error', 'stdout: two', 'stdout: last']);
  });

  it('that throws stops the process, and its error is the run’s', async () => {
    const error = new Error('my bug');
    const lines: string[] = [];
    let fake: FakeProcess | undefined;
    const running = run(
      (process) => {
        fake = process;
        process.stdout.write('one\ntwo\n');
      },
      {
        onLine: (line) => {
          lines.push(line);
          throw error;
        },
      },
    );
    await expect(running).rejects.toBe(error);
    expect(fake?.kills).toContain('SIGTERM tree');
    expect(lines).toEqual(['one']);
  });

  it('sees the lines of output that goes elsewhere, too', async () => {
    const { runner } = await startedFake({
      spawn: (fake) => {
        fake.stdout.write('a\nb\n');
        fake.exit(0);
      },
    });
    const seen: string[] = [];
    const process = runner.newProcess('tool');
    const read = text(process.stdout);
    await process.run({ onLine: (line) => seen.push(line) });
    expect(await read).toBe('a\nb\n');
    expect(seen).toEqual(['a', 'b']);
  });
});

describe('maxOutputBytes', () => {
  const talk = (fake: FakeProcess) => {
    fake.stdout.write('12345');
    fake.stderr.write('678');
  };

  it('counts both streams, stops the process, and gives what was within', async () => {
    const error = await failure(talk, { maxOutputBytes: 6, reject: false });
    expect(error).toMatchObject({ code: 'COMPANION_OUTPUT_TOO_LARGE', hint: expect.any(String) });
    expect(error.message).toContain('more than 6 bytes');
    expect(`${error.result.stdout}${error.result.stderr}`).toHaveLength(6);
  });

  it('is not exceeded by exactly so many', async () => {
    const result = await run(
      (fake) => {
        talk(fake);
        fake.exit(0);
      },
      { maxOutputBytes: 8 },
    );
    expect(result.stdout + result.stderr).toBe('12345678');
  });
});

describe('timeoutMs', () => {
  it('stops the process and is TIMED_OUT, with the last output', async () => {
    const error = await failure((fake) => fake.stderr.write('still busy\n'), { timeoutMs: 20 });
    expect(error).toMatchObject({
      code: 'COMPANION_TIMED_OUT',
      result: { reason: 'timed-out', code: null, signal: 'SIGTERM', stderr: 'still busy\n' },
    });
    expect(error.message).toMatch(/did not end within 20 ms.*still busy/s);
  });

  it('with reject: false is a result', async () => {
    expect(await run(() => {}, { timeoutMs: 20, reject: false })).toMatchObject({
      reason: 'timed-out',
      signal: 'SIGTERM',
    });
  });

  it('kills what does not heed TERM, after killGraceMs', async () => {
    const result = await run(
      (fake) => {
        fake.heeds = ['SIGKILL'];
      },
      { timeoutMs: 20, killGraceMs: 20, reject: false },
    );
    expect(result).toMatchObject({ reason: 'timed-out', signal: 'SIGKILL' });
  });

  it('bounds a start that never comes back', async () => {
    const { runner } = await startedFake({
      spawn: (_fake, { signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    });
    await expect(runner.run('tool', [], { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'COMPANION_TIMED_OUT',
    });
  });

  it('bounds a descendant that goes on talking after the end; the verdict stands', async () => {
    let talking: NodeJS.Timeout | undefined;
    try {
      const result = await run(
        (fake) => {
          fake.exit(0, { holdPipes: true });
          talking = setInterval(() => fake.stdout.write('.'), 5);
        },
        { timeoutMs: 100 },
      );
      expect(result).toMatchObject({ code: 0, reason: 'exited' });
    } finally {
      clearInterval(talking);
    }
  });

  it('may be longer than a timer can be', async () => {
    const result = await run(
      async (fake) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        fake.exit(0);
      },
      { timeoutMs: Number.MAX_SAFE_INTEGER },
    );
    expect(result.reason).toBe('exited');
  });

  it('of a process that cannot be ended rejects instead of hanging', async () => {
    const error = failure(
      (fake) => {
        fake.kill = () => Promise.reject(new Error('operation not permitted'));
      },
      { timeoutMs: 20 },
    );
    expect(await error).toMatchObject({
      code: 'COMPANION_SHUTDOWN_FAILED',
      message: expect.stringContaining('operation not permitted'),
    });
  });

  it('leaves no timer behind', async () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    await run((fake) => fake.exit(0), { timeoutMs: 3_600_000 });
    const after = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    expect(after).toBeLessThanOrEqual(before);
  });
});

describe('signal', () => {
  it('stops the process; ABORTED carries the reason and what came until then, also with reject: false', async () => {
    const abort = new AbortController();
    const cause = new Error('changed my mind');
    const error = await failure(
      async (fake) => {
        fake.stdout.write('half');
        await tick();
        abort.abort(cause);
      },
      { signal: abort.signal, reject: false },
    );
    expect(error).toMatchObject({
      code: 'COMPANION_ABORTED',
      cause,
      result: { reason: 'aborted', signal: 'SIGTERM', stdout: 'half' },
    });
  });

  it('aborted beforehand starts nothing', async () => {
    const { runner, environment } = await startedFake();
    const cause = new Error('no');
    const running = runner.run('tool', [], { signal: AbortSignal.abort(cause), reject: false });
    await expect(running).rejects.toMatchObject({ code: 'COMPANION_ABORTED', cause });
    expect(environment.processes).toEqual([]);
  });

  it('that times out is an abort, by its reason', async () => {
    const error = await failure(() => {}, { signal: AbortSignal.timeout(20) });
    expect(error).toMatchObject({ code: 'COMPANION_ABORTED', cause: { name: 'TimeoutError' } });
  });

  it('aborted after the end changes nothing', async () => {
    const abort = new AbortController();
    const result = await run((fake) => fake.exit(0), { signal: abort.signal });
    abort.abort();
    expect(result.code).toBe(0);
  });
});

describe('bad options', () => {
  it.each<[unknown, RegExp]>([
    [{ timeoutMs: 0 }, /^timeoutMs: expected/],
    [{ timeoutMs: Number.NaN }, /^timeoutMs: expected/],
    [{ timeoutMs: '5' }, /^timeoutMs: expected/],
    [{ killGraceMs: -1 }, /^killGraceMs: expected/],
    [{ maxOutputBytes: 1.5 }, /^maxOutputBytes: expected/],
    [{ reject: 'no' }, /^reject: expected/],
    [{ encoding: 'latin1' }, /^encoding: expected/],
    [{ onLine: 'log' }, /^onLine: expected/],
    [{ input: 5 }, /^input: expected/],
    [{ input: null }, /^input: expected/],
    [{ input: ['a'] }, /^input: expected/],
    [{ cwd: '' }, /expected/],
    [{ env: { A: 1 } }, /^env\.A: expected/],
    [{ tty: { columns: 1 } }, /^rows: expected/],
    [{ user: { uid: 1 } }, /^user\.gid: expected/],
    [{ signal: {} }, /^signal: expected/],
    [{ timeout: 5 }, /"timeout"/],
  ])('%j is a TypeError, and nothing starts', async (options, message) => {
    const { runner, environment } = await startedFake();
    const error = await runner.run('tool', [], options as RunOptions).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toMatch(message);
    expect(environment.processes).toEqual([]);
  });
});

it('a process that somebody else stops says so', async () => {
  const { runner } = await startedFake();
  const process = runner.newProcess('tool');
  const running = process.run({ reject: false });
  await tick();
  await process.stop();
  expect(await running).toMatchObject({ reason: 'stopped', signal: 'SIGTERM' });
});

it('a hundred runs at once keep their output apart', async () => {
  const { runner } = await startedFake({
    spawn: (fake) => {
      const [number] = fake.command.args;
      setImmediate(() => {
        fake.stdout.write(`${number} `);
        setImmediate(() => {
          fake.stdout.write(`${number}`);
          fake.exit(0);
        });
      });
    },
  });
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, index) => runner.run('tool', [`${index}`])),
  );
  expect(results.map(({ stdout }) => stdout)).toEqual(
    Array.from({ length: 100 }, (_, index) => `${index} ${index}`),
  );
  await runner.shutdown();
});
