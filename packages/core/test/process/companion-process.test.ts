import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { CompanionError, type CompanionProcess } from '@companion/core';
import { describe, expect, it } from 'vitest';
import type { FakeProcess } from '../fake-backend.js';
import { type FakeCompanion, fakeCompanion, startedFake } from '../fake-companion.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const wrongState = expect.objectContaining({ code: 'COMPANION_WRONG_STATE' });

async function spawned(
  shape: (fake: FakeProcess) => void = () => {},
): Promise<FakeCompanion & { readonly process: CompanionProcess; readonly fake: FakeProcess }> {
  const companion = await startedFake({ spawn: shape });
  const process = await companion.runner.spawn('tool');
  return Object.assign(companion, { process, fake: companion.environment.processes[0]! });
}

describe('building a process', () => {
  it('reaches the backend as one complete command', async () => {
    const { runner, environment } = await startedFake({ capabilities: { filesystem: 'bound' } });
    await runner
      .newProcess('tool', '--flag', '', 'ä b')
      .withDir('sub')
      .withEnv({ A: '1' })
      .withStdin()
      .withTty({ columns: 80, rows: 24 })
      .withUser({ uid: 1, gid: 2 })
      .start();
    await runner.newProcess('plain').start();
    expect(environment.processes.map(({ command }) => command)).toEqual([
      {
        file: 'tool',
        args: ['--flag', '', 'ä b'],
        env: { HOME: '/home/fake', PATH: '/bin', A: '1' },
        cwd: '/workspace/sub',
        stdin: 'pipe',
        tty: { columns: 80, rows: 24 },
        user: { uid: 1, gid: 2 },
      },
      {
        file: 'plain',
        args: [],
        env: { HOME: '/home/fake', PATH: '/bin' },
        cwd: '/workspace',
        stdin: 'ignore',
      },
    ]);
    await runner.shutdown();
  });

  it('ends with the start: afterwards nothing can be changed', async () => {
    const { process } = await spawned();
    for (const call of [
      () => process.withDir('/'),
      () => process.withEnv({}),
      () => process.withEnvAppend('A', 'b'),
      () => process.withOutput(new PassThrough()),
      () => process.withTty({ columns: 1, rows: 1 }),
      () => process.withUser({ uid: 1, gid: 1 }),
      () => process.withStdin(),
      () => process.waitOn('x'),
    ])
      expect(call).toThrow(wrongState);
    await expect(process.start()).rejects.toEqual(wrongState);
    await expect(process.run()).rejects.toEqual(wrongState);
  });

  it.each<[string, (process: CompanionProcess) => unknown]>([
    ['withDir', (process) => process.withDir('')],
    ['withDir', (process) => process.withDir(5 as never)],
    ['withEnv', (process) => process.withEnv({ 'A=B': 'x' })],
    ['withTty', (process) => process.withTty({ columns: 0, rows: 1 })],
    ['withTty', (process) => process.withTty({ columns: 80 } as never)],
    ['withUser', (process) => process.withUser('host' as never)],
    ['withStdin', (process) => process.withStdin('file' as never)],
    ['waitOn', (process) => process.waitOn('')],
  ])('refuses bad arguments with a TypeError: %s', async (_name, call) => {
    const { runner } = await startedFake();
    expect(() => call(runner.newProcess('tool'))).toThrow(TypeError);
  });

  it('refuses a command that can be none', async () => {
    const { runner } = await fakeCompanion();
    expect(() => runner.newProcess('')).toThrow(/^command: expected/);
    expect(() => runner.newProcess('a\0b')).toThrow(TypeError);
    expect(() => runner.newProcess('tool', 5 as never)).toThrow(/^arguments of tool: expected strings/);
  });

  it('refuses what the backend cannot do, and says how to get one that can', async () => {
    const { runner } = await startedFake({ capabilities: { tty: false, user: false } });
    const process = runner.newProcess('tool');
    expect(() => process.withTty({ columns: 80, rows: 24 })).toThrow(
      expect.objectContaining({
        code: 'COMPANION_UNSUPPORTED',
        hint: expect.stringContaining('{ tty: true }'),
      }),
    );
    expect(() => process.withUser({ uid: 4711, gid: 4711 })).toThrow(
      expect.objectContaining({ code: 'COMPANION_UNSUPPORTED' }),
    );
  });

  it('is not copied from arguments that the caller still holds', async () => {
    const { runner, environment } = await startedFake();
    const args = ['one'];
    const process = runner.spawn('tool', args);
    args.push('two');
    await process;
    expect(environment.processes[0]?.command.args).toEqual(['one']);
  });
});

describe('a process before its start', () => {
  it('has streams, no pid, and cannot be waited for', async () => {
    const { runner } = await startedFake();
    const process = runner.newProcess('tool').withStdin();
    expect(process.pid).toBeNull();
    expect(process.isRunning()).toBe(false);
    expect(process.stdout.readable && process.stderr.readable && process.stdin.writable).toBe(true);
    await expect(process.wait()).rejects.toEqual(wrongState);
    expect(() => runner.newProcess('tool').stdin).toThrow(wrongState);
  });

  it('cannot start before init(), and can after it', async () => {
    const { runner } = await fakeCompanion();
    const process = runner.newProcess('tool');
    await expect(process.start()).rejects.toEqual(wrongState);
    await runner.init();
    await process.start();
    expect(process.isRunning()).toBe(true);
    await runner.shutdown();
  });

  it('that was refused by run() before init() still gives its output afterwards', async () => {
    const { runner } = await fakeCompanion({
      spawn: (fake) => {
        fake.stdout.write('output');
        fake.exit(0);
      },
    });
    const process = runner.newProcess('tool');
    await expect(process.run()).rejects.toEqual(wrongState);
    await runner.init();
    expect((await process.run()).stdout).toBe('output');
    await runner.shutdown();
  });
});

describe('starting', () => {
  it.each([
    'COMPANION_COMMAND_NOT_FOUND',
    'COMPANION_COMMAND_NOT_EXECUTABLE',
    'COMPANION_WORK_DIR_NOT_FOUND',
  ] as const)('passes on why it did not work: %s', async (code) => {
    const error = new CompanionError(code, 'why');
    const { runner, events } = await startedFake({ spawn: () => Promise.reject(error) });
    const process = runner.newProcess('tool');
    const output = text(process.stdout);
    await expect(process.start()).rejects.toBe(error);
    await expect(process.wait()).rejects.toBe(error);
    expect(await output).toBe('');
    expect(process.isRunning()).toBe(false);
    expect(process.pid).toBeNull();
    await process.stop();
    await process.signal('SIGTERM');
    expect(events.filter((event) => event.topic === 'process')).toMatchObject([
      { type: 'start-failed', file: 'tool', code },
    ]);
  });

  it('calls any other failure of the backend START_FAILED, with the cause', async () => {
    const cause = new Error('EAGAIN');
    const { runner } = await startedFake({ spawn: () => Promise.reject(cause) });
    const failure = runner.spawn('tool', ['secret']).catch((error: unknown) => error);
    expect(await failure).toMatchObject({
      code: 'COMPANION_START_FAILED',
      message: 'tool could not be started: EAGAIN',
      cause,
    });
  });

  it('is known by pid, number and events', async () => {
    const { process, fake, events } = await spawned();
    expect(process.pid).toBe(42);
    fake.exit(3);
    await process.wait();
    expect(process.pid).toBe(42);
    expect(events.filter((event) => event.topic === 'process')).toMatchObject([
      { type: 'started', process: process.number, pid: 42, file: 'tool' },
      { type: 'exited', process: process.number, pid: 42, file: 'tool', status: { code: 3, signal: null } },
    ]);
  });
});

describe('wait()', () => {
  it('gives every caller the verdict, early or late, whatever it is', async () => {
    const { process, fake } = await spawned();
    const early = [process.wait(), process.wait()];
    fake.exit({ code: null, signal: 'SIGSEGV' });
    for (const verdict of [...early, process.wait()])
      expect(await verdict).toEqual({ code: null, signal: 'SIGSEGV' });
  });

  it('leaves a Windows code over 255 what it is', async () => {
    const { process, fake } = await spawned();
    fake.exit(0xc000_0005);
    expect(await process.wait()).toEqual({ code: 0xc000_0005, signal: null });
  });

  it('follows the process, not the pipes that a descendant holds, nor its open stdin', async () => {
    const { process, fake } = await spawned();
    fake.exit(3, { holdPipes: true });
    expect(await process.wait()).toEqual({ code: 3, signal: null });
    expect(process.isRunning()).toBe(false);
  });

  it('rejects with ENVIRONMENT_LOST where nobody can know: never 0', async () => {
    const { process, fake, events } = await spawned();
    const cause = new Error('the engine forgot it');
    const verdict = process.wait();
    fake.vanish(cause);
    await expect(verdict).rejects.toMatchObject({ code: 'COMPANION_ENVIRONMENT_LOST', cause });
    expect(events.at(-1)).toMatchObject({ type: 'exited', status: null });
  });

  it('that nobody calls rejects nowhere', async () => {
    const { process, fake } = await spawned();
    fake.vanish(new Error('gone'));
    await tick();
    expect(process.isRunning()).toBe(false);
  });

  it('lets unclaimed output flow away, so that a talkative process can end', async () => {
    const { process, fake } = await spawned();
    const verdict = process.wait();
    for (const stream of [fake.stdout, fake.stderr]) {
      for (let index = 0; index < 100; index += 1) {
        if (!stream.write(Buffer.alloc(65_536)))
          await new Promise((resolve) => stream.once('drain', resolve));
      }
    }
    fake.exit(0);
    expect(await verdict).toEqual({ code: 0, signal: null });
    expect(() => process.stdout).toThrow(wrongState);
    expect(() => process.lines({ stream: 'stderr' })).toThrow(wrongState);
  });
});

describe('output', () => {
  it('is there for a reader that comes after everything was written and the process has ended', async () => {
    const { process, fake, events } = await spawned();
    fake.stdout.write('out');
    fake.stderr.write('err');
    fake.exit(0);
    while (!events.some((event) => event.type === 'exited')) await tick();
    expect(await text(process.stdout)).toBe('out');
    expect(await text(process.stderr)).toBe('err');
  });

  it('is there in full when the backend has closed its streams before core saw the process', async () => {
    const { runner } = await startedFake({
      spawn: async (fake) => {
        fake.stdout.write('first and last');
        fake.exit(0);
        await tick();
      },
    });
    const process = await runner.spawn('tool');
    expect(await text(process.stdout)).toBe('first and last');
    expect(await process.wait()).toEqual({ code: 0, signal: null });
  });

  it('that was claimed is kept whole through wait() and a kill', async () => {
    const { process, fake } = await spawned();
    const { stdout } = process;
    const all = Buffer.alloc(600_000, 'abc');
    fake.stdout.write(all);
    await process.stop();
    expect((await buffer(stdout)).equals(all)).toBe(true);
  });

  it('of spawn() ends when the last holder closes it, not with the process', async () => {
    const { process, fake } = await spawned();
    const read = text(process.stdout);
    fake.exit(0, { holdPipes: true });
    await process.wait();
    for (let turn = 0; turn < 20; turn += 1) await tick();
    fake.stdout.end('from a descendant');
    expect(await read).toBe('from a descendant');
  });

  it('comes in lines, of either stream', async () => {
    const { process, fake } = await spawned();
    fake.stdout.end('one\r\ntwo\nthree');
    fake.stderr.end('error\n');
    const lines = async (stream: 'stdout' | 'stderr') => {
      const seen: string[] = [];
      for await (const line of process.lines({ stream })) seen.push(line);
      return seen;
    };
    expect(await lines('stdout')).toEqual(['one', 'two', 'three']);
    expect(await lines('stderr')).toEqual(['error']);
  });

  it('can go to one writable, which stays open', async () => {
    const { runner, environment } = await startedFake();
    const sink = new PassThrough();
    for (const file of ['one', 'two']) {
      const process = runner.newProcess(file).withOutput(sink);
      await process.start();
      const fake = environment.processes.at(-1)!;
      fake.stdout.end(`${file} out `);
      await tick();
      fake.stderr.end(`${file} err `);
      fake.exit(0);
      await process.wait();
      await tick();
    }
    sink.end('end');
    expect(await text(sink)).toBe('one out one err two out two err end');
    await runner.shutdown();
  });

  it('of many processes can go to one writable without a warning', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.message);
    process.on('warning', onWarning);
    try {
      const { runner } = await startedFake({ spawn: (fake) => fake.exit(0) });
      const sink = new PassThrough().resume();
      await Promise.all(Array.from({ length: 20 }, () => runner.newProcess('tool').withOutput(sink).run()));
      await tick();
      expect(warnings).toEqual([]);
      await runner.shutdown();
    } finally {
      process.off('warning', onWarning);
    }
  });

  it('goes to a slow writable at its pace: the process has to wait', async () => {
    const { runner, environment } = await startedFake();
    const written: (() => void)[] = [];
    const sink = new Writable({ write: (_chunk, _encoding, done) => void written.push(done) });
    const process = runner.newProcess('tool').withOutput(sink);
    await process.start();
    const fake = environment.processes[0]!;
    let accepted = 0;
    for (; accepted < 1000 && fake.stdout.write(Buffer.alloc(16_384)); accepted += 1) await tick();
    expect(accepted).toBeLessThan(100);
    fake.exit(0);
    const ended = once(process.stdout, 'end');
    while (!process.stdout.readableEnded) {
      written.shift()?.();
      await tick();
    }
    await ended;
    await runner.shutdown();
  });

  it('that goes to a writable which is ended meanwhile is let go, quietly', async () => {
    const { runner, environment } = await startedFake();
    const sink = new PassThrough();
    const process = runner.newProcess('tool').withOutput(sink);
    await process.start();
    const fake = environment.processes[0]!;
    const closed = once(fake.stdout, 'close');
    sink.end();
    fake.stdout.write('too late');
    await closed;
    await runner.shutdown();
  });

  it('that goes to a writable which breaks does not block the process for ever', async () => {
    const { runner, environment } = await startedFake();
    const sink = new PassThrough();
    sink.on('error', () => {});
    const process = runner.newProcess('tool').withOutput(sink);
    await process.start();
    const fake = environment.processes[0]!;
    fake.stdout.write('x');
    await tick();
    sink.destroy(new Error('disk full'));
    // As with a reader that goes away: the pipe closes, and the process finds out.
    await new Promise<void>((resolve) => fake.stdout.once('close', resolve));
    await runner.shutdown();
  });
});

describe('tail()', () => {
  it('is the last output, for messages, and claims nothing', async () => {
    const { process, fake } = await spawned();
    fake.stdout.write(`${'x'.repeat(100_000)} out`);
    fake.stderr.write('err');
    fake.exit(1);
    await process.wait();
    expect(process.tail()).toBe('err');
    expect(process.tail('stdout')).toHaveLength(64 * 1024);
    expect(process.tail('stdout').endsWith(' out')).toBe(true);
  });

  it('leaves the output to its readers', async () => {
    const { process, fake } = await spawned();
    fake.stdout.end('all');
    await tick();
    expect(process.tail('stdout')).toBe('all');
    expect(await text(process.stdout)).toBe('all');
  });
});

describe('standard input', () => {
  it('is open for spawn(), and ending it leaves the output alone', async () => {
    const { process, fake } = await spawned();
    process.stdin.end('question');
    expect(await text(fake.stdin!)).toBe('question');
    fake.stdout.end('answer');
    expect(await text(process.stdout)).toBe('answer');
  });

  it('written before the start arrives', async () => {
    const { runner, environment } = await startedFake();
    const process = runner.newProcess('tool').withStdin();
    process.stdin.end('early');
    await process.start();
    expect(await text(environment.processes[0]!.stdin!)).toBe('early');
  });

  it('takes what is written after the end quietly', async () => {
    const { process, fake } = await spawned();
    fake.exit(0);
    await process.wait();
    await new Promise<void>((resolve, reject) => {
      process.stdin.on('error', reject);
      process.stdin.end(Buffer.alloc(1_000_000), resolve);
    });
  });
});

describe('a terminal', () => {
  it('hears of its size only while it runs', async () => {
    const { runner, environment } = await startedFake();
    const process = runner.newProcess('tool').withTty({ columns: 80, rows: 24 });
    await expect(process.resize({ columns: 1, rows: 1 })).rejects.toEqual(wrongState);
    await process.start();
    await process.resize({ columns: 100, rows: 50 });
    await expect(process.resize({ columns: 1.5, rows: 1 })).rejects.toThrow(TypeError);
    await process.stop();
    await process.resize({ columns: 1, rows: 1 });
    expect(environment.processes[0]?.sizes).toEqual([{ columns: 100, rows: 50 }]);
  });

  it('cannot be resized where there is none', async () => {
    const { process } = await spawned();
    await expect(process.resize({ columns: 1, rows: 1 })).rejects.toEqual(wrongState);
  });
});

describe('as a value', () => {
  it('a process is never thenable: an async function can return it', async () => {
    const { process } = await spawned();
    expect('then' in process).toBe(false);
    expect(await process).toBe(process);
  });

  it('a companion is never thenable either', async () => {
    const { runner } = await fakeCompanion();
    expect('then' in runner).toBe(false);
    expect(await runner).toBe(runner);
  });
});

describe('memory', () => {
  it('holds nothing of a process that has ended', async () => {
    const gc = await collector();
    const { runner, environment } = await startedFake({ spawn: (fake) => fake.exit(0) });
    const gone: WeakRef<object>[] = [];
    const use = async () => {
      await runner.run('tool');
      const process = await runner.spawn('tool');
      await process.wait();
      gone.push(new WeakRef(process), new WeakRef(process.stdin));
    };
    await use();
    // The fake remembers its ends of the pipes, and they who listens to them.
    environment.processes.length = 0;
    for (let turn = 0; turn < 10; turn += 1) await tick();
    gc();
    expect(gone.map((reference) => reference.deref())).toEqual([undefined, undefined]);
    await runner.shutdown();
  });
});

/** Runs the garbage collector, without a flag on the command line. */
async function collector(): Promise<() => void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([
    import('node:v8'),
    import('node:vm'),
  ]);
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
