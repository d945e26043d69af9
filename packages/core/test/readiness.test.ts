import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import type { CompanionProcess } from '@companion/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from './deferred.js';
import type { FakeProcess } from './fake-backend.js';
import { type FakeCompanion, startedFake } from './fake-companion.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Watched extends FakeCompanion {
  readonly process: CompanionProcess;
  readonly fake: FakeProcess;
}

async function watched(): Promise<Watched> {
  const companion = await startedFake();
  const process = await companion.runner.spawn('server', ['--secret']);
  return Object.assign(companion, { process, fake: companion.environment.processes[0]! });
}

describe('waitForLine()', () => {
  it('resolves with the first line that matches, whole, and where it came', async () => {
    const { runner, process, fake } = await watched();
    const waiting = runner.waitForLine(process, /listening on port (?<port>\d+)/g);
    fake.stdout.write('starting\nlisten');
    await tick();
    fake.stderr.write('warning: listening is hard\n');
    fake.stdout.write('ing on port 4711\r\nlistening on port 1\n');
    const { line, stream, match } = await waiting;
    expect({ line, stream }).toEqual({ line: 'listening on port 4711', stream: 'stdout' });
    expect(match?.groups).toEqual({ port: '4711' });
  });

  it('takes text as text, and only of the stream that was named', async () => {
    const { runner, process, fake } = await watched();
    const waiting = runner.waitForLine(process, 'a.c', { stream: 'stderr' });
    fake.stdout.write('a.c\n');
    fake.stderr.write('abc\nxa.cx\n');
    expect(await waiting).toEqual({ line: 'xa.cx', stream: 'stderr', match: undefined });
  });

  it('finds a line that has come already, and a last one without a line break', async () => {
    const { runner, process, fake } = await watched();
    fake.stdout.write('ready\n');
    await tick();
    expect(await runner.waitForLine(process, 'ready')).toMatchObject({ line: 'ready' });
    const last = runner.waitForLine(process, 'last');
    fake.stdout.end('the last');
    expect(await last).toMatchObject({ line: 'the last' });
  });

  it('takes nothing from readers, before or after it', async () => {
    const { runner, process, fake } = await watched();
    fake.stdout.write('one\n');
    const waiting = runner.waitForLine(process, 'two');
    fake.stdout.end('two\nthree\n');
    await waiting;
    expect(await text(process.stdout)).toBe('one\ntwo\nthree\n');
  });

  it('rejects with NOT_READY and the last output as soon as the process has ended', async () => {
    const { runner, process, fake } = await watched();
    const waiting = runner.waitForLine(process, 'ready');
    fake.stderr.write('cannot bind\n');
    fake.exit(1);
    const error = await waiting.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'COMPANION_NOT_READY' });
    expect((error as Error).message).toMatch(/server \(1 argument\) exited with code 1.*cannot bind/s);
    expect((error as Error).message).not.toContain('--secret');
  });

  it('still finds the line that a process says last', async () => {
    const { runner, process, fake } = await watched();
    const waiting = runner.waitForLine(process, 'done');
    fake.stdout.write('done\n');
    fake.exit(0);
    expect(await waiting).toMatchObject({ line: 'done' });
  });

  it('survives a line that never ends', async () => {
    const { runner, process, fake } = await watched();
    process.stdout.resume();
    const waiting = runner.waitForLine(process, 'ready', { stream: 'stderr', timeoutMs: 60_000 });
    const both = runner.waitForLine(process, 'after', { timeoutMs: 60_000 });
    const megabyte = Buffer.alloc(1_000_000, 'x');
    for (let index = 0; index < 110; index += 1) {
      if (!fake.stdout.write(megabyte)) await once(fake.stdout, 'drain');
    }
    fake.stdout.write('\nafter\n');
    fake.stderr.write('ready\n');
    expect(await waiting).toMatchObject({ line: 'ready' });
    expect(await both).toMatchObject({ line: 'after' });
  });

  it.each<[string, unknown[]]>([
    ['process', [{}, 'x']],
    ['pattern', [undefined, 5]],
    ['timeoutMs', [undefined, 'x', { timeoutMs: 0 }]],
    ['stream', [undefined, 'x', { stream: 'stdin' }]],
  ])('refuses bad arguments: %s', async (name, [target, ...rest]) => {
    const { runner, process } = await watched();
    const call = runner.waitForLine((target ?? process) as CompanionProcess, ...(rest as ['x']));
    const error = await call.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toMatch(new RegExp(`^${name}: expected`));
  });
});

describe('waitForPort()', () => {
  /** Nothing listens until it is said. */
  function late(): {
    readonly behaviour: Parameters<typeof startedFake>[0];
    listen(): void;
    readonly attempts: () => number;
  } {
    let [listens, attempts] = [false, 0];
    return {
      attempts: () => attempts,
      listen: () => {
        listens = true;
      },
      behaviour: {
        capabilities: { network: 'private' },
        connect: async () => {
          attempts += 1;
          if (!listens) throw new Error('connection refused');
          const { duplexPair } = await import('node:stream');
          const [ours, theirs] = duplexPair();
          theirs.resume().end('hi');
          return ours;
        },
      },
    };
  }

  it('resolves with the endpoint once something accepts inside, declared or not, again and again', async () => {
    const { behaviour, listen } = late();
    const { runner } = await startedFake(behaviour, { ports: [{ name: 'lsp', companionPort: 1 }] });
    const waiting = [runner.waitForPort('lsp'), runner.waitForPort(2), runner.waitForPort(2)];
    await tick();
    listen();
    const [declared, undeclared, same] = await Promise.all(waiting);
    expect(declared).toBe(runner.endpoint(1));
    expect(undeclared).toMatchObject({ companionPort: 2 });
    expect(same).toEqual(undeclared);
    expect(runner.endpoint(2)).toEqual(undeclared);
    expect(await runner.waitForPort(2)).toEqual(undeclared);
    await runner.shutdown();
  });

  it('sees a server on a shared network, whoever started it', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { runner } = await startedFake();
    expect(await runner.waitForPort(port)).toEqual({ host: '127.0.0.1', port, companionPort: port });
    server.close();
    await runner.shutdown();
  });

  it('gives up after timeoutMs', async () => {
    const { runner } = await startedFake(late().behaviour);
    const error = await runner.waitForPort(7, { timeoutMs: 30 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'COMPANION_NOT_READY',
      message: 'port 7 was not ready within 30 ms',
    });
    await runner.shutdown();
  });

  it('gives up even while a connection hangs', async () => {
    const { runner } = await startedFake({
      capabilities: { network: 'private' },
      connect: () => new Promise(() => {}),
    });
    await expect(runner.waitForPort(7, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'COMPANION_NOT_READY',
    });
    await runner.shutdown();
  });

  it('rejects as soon as the process that should listen has ended', async () => {
    const { runner, environment } = await startedFake(late().behaviour);
    const process = await runner.spawn('server');
    const waiting = runner.waitForPort(7, { process, timeoutMs: 60_000 });
    environment.processes[0]!.stderr.write('address in use\n');
    environment.processes[0]!.exit(98);
    const error = await waiting.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'COMPANION_NOT_READY' });
    expect((error as Error).message).toMatch(/server exited with code 98.*address in use/s);
    await runner.shutdown();
  });

  it.each([0, -1, 1.5, 65_536, Number.NaN, 'unknown', undefined])('refuses %s', async (port) => {
    const { runner } = await startedFake(late().behaviour);
    await expect(runner.waitForPort(port as number)).rejects.toThrow(TypeError);
    await runner.shutdown();
  });

  it('refuses a process that is none', async () => {
    const { runner } = await startedFake(late().behaviour);
    await expect(runner.waitForPort(1, { process: {} as CompanionProcess })).rejects.toThrow(
      /^process: expected/,
    );
    await runner.shutdown();
  });
});

describe('waiting', () => {
  afterEach(() => vi.useRealTimers());

  it('is ended by abort, with its reason, by stop() and by shutdown()', async () => {
    const cause = new Error('enough');
    const abort = new AbortController();
    const aborted = await watched();
    const calls = [
      aborted.runner.waitForLine(aborted.process, 'x', { signal: abort.signal }),
      aborted.runner.waitForPort(9, { signal: abort.signal }),
      aborted.runner.waitForPort(9, { signal: AbortSignal.abort(cause) }),
    ].map((call) => call.catch((error: unknown) => error));
    abort.abort(cause);
    for (const call of calls) expect(await call).toMatchObject({ code: 'COMPANION_ABORTED', cause });
    for (const method of ['stop', 'shutdown'] as const) {
      const { runner, process } = await watched();
      const waiting = [runner.waitForPort(9), runner.waitForLine(process, 'x')].map((call) =>
        call.catch((error: { code: string }) => error.code),
      );
      await runner[method]();
      for (const call of waiting)
        expect(['COMPANION_WRONG_STATE', 'COMPANION_NOT_READY']).toContain(await call);
    }
  });

  it('leaves no listener and no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { runner, process, fake } = await watched();
    const { signal } = new AbortController();
    fake.stdout.write('ready\n');
    await runner.waitForLine(process, 'ready', { signal });
    const waiting = runner.waitForPort(9, { signal, process }).catch(() => {});
    await tick();
    fake.exit(0);
    await waiting;
    await vi.advanceTimersByTimeAsync(100);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('before init() is refused', async () => {
    const { runner, process } = await watched();
    await runner.shutdown();
    await expect(runner.waitForPort(1)).rejects.toMatchObject({ code: 'COMPANION_WRONG_STATE' });
    await expect(runner.waitForLine(process, 'x')).rejects.toMatchObject({ code: 'COMPANION_WRONG_STATE' });
  });

  it('for a process that is lost says so', async () => {
    const { runner, process, fake } = await watched();
    const gone = deferred();
    const waiting = runner.waitForLine(process, 'x').catch((error: unknown) => error);
    fake.vanish(new Error('the engine forgot it'));
    gone.resolve();
    expect(await waiting).toMatchObject({
      code: 'COMPANION_NOT_READY',
      cause: { code: 'COMPANION_ENVIRONMENT_LOST' },
    });
  });
});
