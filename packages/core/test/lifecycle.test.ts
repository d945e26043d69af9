import { getEventListeners } from 'node:events';
import {
  CompanionError,
  type CompanionErrorCode,
  type CompanionRunner,
  startCompanion,
} from '@companion/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from './deferred.js';
import { type FakeBehaviour, fakeBackend } from './fake-backend.js';
import { fakeCompanion, startedFake } from './fake-companion.js';

const hasCode = (code: CompanionErrorCode) => expect.objectContaining({ code });

/** What became of calls that must all settle. */
async function outcomes(...calls: readonly Promise<unknown>[]): Promise<readonly string[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((result) =>
    result.status === 'fulfilled'
      ? 'done'
      : ((result.reason as { code?: string }).code ?? String(result.reason)),
  );
}

async function assertUsable(runner: CompanionRunner): Promise<void> {
  expect(runner.state).toBe('ready');
  const process = await runner.spawn('tool');
  await process.stop();
}

/** Aborts an init() that the backend ignores, and waits until it is let go. */
async function giveUp(runner: CompanionRunner): Promise<void> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const abort = new AbortController();
  const [outcome] = await Promise.all([
    outcomes(runner.init({ signal: abort.signal })),
    (async () => {
      await vi.advanceTimersByTimeAsync(1);
      abort.abort();
      await vi.advanceTimersByTimeAsync(10_001);
    })(),
  ]);
  vi.useRealTimers();
  expect(outcome).toEqual(['COMPANION_ABORTED']);
}

describe('init()', () => {
  it('starts one environment, however often and concurrently it is called', async () => {
    const { runner, backend } = await fakeCompanion();
    await Promise.all([runner.init(), runner.init()]);
    await runner.init();
    expect(backend.calls).toEqual(['detect', 'start']);
    await assertUsable(runner);
  });

  it('rejects with START_FAILED and the cause, cleans up, and works when called again', async () => {
    const cause = new Error('disk full');
    let attempts = 0;
    const { runner, backend } = await fakeCompanion({
      start: () => {
        attempts += 1;
        if (attempts === 1) throw cause;
        return undefined;
      },
    });
    const failure = await runner.init().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'COMPANION_START_FAILED', cause });
    expect((failure as Error).message).toContain('disk full');
    expect(runner.state).toBe('created');
    expect(runner.environment).toBeUndefined();
    await runner.init();
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown', 'start']);
    await assertUsable(runner);
  });

  it('hands every concurrent caller the same failure', async () => {
    const { runner } = await fakeCompanion({ start: () => Promise.reject(new Error('no')) });
    const [first, second] = await Promise.allSettled([runner.init(), runner.init()]);
    expect(first).toEqual(second);
    expect(first).toMatchObject({ status: 'rejected', reason: hasCode('COMPANION_START_FAILED') });
  });

  it('passes a CompanionError of the backend on as it is', async () => {
    const error = new CompanionError('COMPANION_IMAGE_UNAVAILABLE', 'no such image');
    const { runner } = await fakeCompanion({ start: () => Promise.reject(error) });
    await expect(runner.init()).rejects.toBe(error);
  });

  it("calls a backend's TypeError what it is: a failed start", async () => {
    const cause = new TypeError('undefined is not a function');
    const { runner } = await fakeCompanion({ start: () => Promise.reject(cause) });
    const failure = await runner.init().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'COMPANION_START_FAILED', cause });
    expect((failure as Error).message).toContain("backend 'fake'");
  });

  it('refuses a main process that would never run, and starts nothing', async () => {
    const { runner, backend } = await fakeCompanion();
    runner.withCommand('serve');
    await expect(runner.init()).rejects.toThrow(
      /^pause: expected false where entrypoint or command is given/,
    );
    expect(backend.calls).toEqual(['detect']);
    runner.withPause(false);
    await runner.init();
    await runner.shutdown();
  });

  it('says so when cleaning up after a failed start fails, and lets shutdown() try again', async () => {
    let broken = true;
    const { runner, backend } = await fakeCompanion({
      start: () => Promise.reject(new Error('no space')),
      shutdown: () => {
        if (broken) throw new Error('engine is gone');
      },
    });
    const failure = await runner.init().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'COMPANION_START_FAILED',
      hint: expect.stringContaining('Something may be left behind'),
    });
    expect((failure as Error).message).toMatch(/no space.*engine is gone/s);
    broken = false;
    await runner.shutdown();
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown', 'shutdown']);
  });

  it.each([
    ['nothing', undefined, 'undefined'],
    ['no env', { home: '/', lost: Promise.resolve(new Error()) }, 'no env'],
    ['no home', { env: {}, lost: Promise.resolve(new Error()) }, 'no home'],
    ['no lost promise', { env: {}, home: '/' }, 'no lost promise'],
  ])('rejects with INVALID_BACKEND when start() resolves with %s', async (_what, started, message) => {
    const companion = await fakeCompanion();
    const create = companion.backend.create;
    Object.assign(companion.backend, {
      create: (request: Parameters<typeof create>[0]) =>
        Object.assign(create(request), { start: () => Promise.resolve(started) }),
    });
    const failure = await companion.runner.init().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'COMPANION_INVALID_BACKEND' });
    expect((failure as Error).message).toContain(message);
  });

  it.each([
    [{ network: 'private' }, { connect: null }, /connect\(\)/],
    [{ filesystem: 'bound' }, { copyIn: null }, /copyIn\(\)/],
    [{ filesystem: 'copied' }, { copyOut: null }, /copyOut\(\)/],
  ] as const)(
    'rejects with INVALID_BACKEND where %j is declared and %j',
    async (capabilities, missing, message) => {
      const { runner, backend } = await fakeCompanion({ capabilities, ...missing });
      const failure = await runner.init().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'COMPANION_INVALID_BACKEND' });
      expect((failure as Error).message).toMatch(message);
      expect(backend.calls).not.toContain('start');
    },
  );

  it('after stop() starts the same environment again', async () => {
    const { runner, backend } = await startedFake();
    await runner.stop();
    expect(runner.state).toBe('stopped');
    await expect(runner.run('tool')).rejects.toEqual(hasCode('COMPANION_WRONG_STATE'));
    await runner.init();
    expect(backend.environments).toHaveLength(1);
    await assertUsable(runner);
  });

  it('keeps the files of a stopped environment when starting it again fails', async () => {
    let attempts = 0;
    const { runner, backend } = await startedFake({
      start: () => {
        attempts += 1;
        if (attempts === 2) throw new Error('not now');
        return undefined;
      },
    });
    await runner.stop();
    await expect(runner.init()).rejects.toEqual(hasCode('COMPANION_START_FAILED'));
    expect(backend.calls).not.toContain('shutdown');
    expect(runner.state).toBe('stopped');
    await runner.init();
    expect(backend.environments).toHaveLength(1);
    await assertUsable(runner);
  });

  it('waits for a stop that is under way', async () => {
    const stopping = deferred();
    const { runner, backend } = await startedFake({ stop: () => stopping.promise });
    const stopped = runner.stop();
    const again = runner.init();
    stopping.resolve();
    await Promise.all([stopped, again]);
    expect(backend.calls).toEqual(['detect', 'start', 'stop', 'start']);
    await assertUsable(runner);
  });

  it('is refused after shutdown()', async () => {
    const { runner } = await startedFake();
    await runner.shutdown();
    await expect(runner.init()).rejects.toEqual(hasCode('COMPANION_WRONG_STATE'));
  });

  it('names every missing binary and leaves nothing behind', async () => {
    const { runner, backend } = await fakeCompanion({
      resolveBinary: (file) => (file === 'node' ? '/bin/node' : null),
    });
    runner.withBinary('node', 'buf', 'protoc');
    const failure = await runner.init().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'COMPANION_COMMAND_NOT_FOUND' });
    expect((failure as Error).message).toMatch(/^buf, protoc are missing/);
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
  });
});

describe('aborting init()', () => {
  afterEach(() => vi.useRealTimers());

  it('before it starts rejects with ABORTED and the reason, and starts nothing', async () => {
    const { runner, backend } = await fakeCompanion();
    const reason = new Error('user closed the window');
    const failure = runner.init({ signal: AbortSignal.abort(reason) });
    await expect(failure).rejects.toMatchObject({ code: 'COMPANION_ABORTED', cause: reason });
    expect(backend.calls).toEqual(['detect']);
    await runner.init();
    await assertUsable(runner);
  });

  it('while the backend starts passes the signal on, cleans up, and can be tried again', async () => {
    const abort = new AbortController();
    let attempts = 0;
    const { runner, backend } = await fakeCompanion({
      start: ({ signal }) => {
        attempts += 1;
        if (attempts > 1) return undefined;
        return new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          abort.abort();
        });
      },
    });
    await expect(runner.init({ signal: abort.signal })).rejects.toEqual(hasCode('COMPANION_ABORTED'));
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
    await runner.init();
    await assertUsable(runner);
  });

  it('says so when cleaning up fails', async () => {
    const abort = new AbortController();
    const { runner } = await fakeCompanion({
      start: () => {
        abort.abort();
        return undefined;
      },
      shutdown: () => Promise.reject(new Error('engine is gone')),
    });
    const failure = await runner.init({ signal: abort.signal }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'COMPANION_ABORTED',
      hint: expect.stringContaining('Something may be left behind'),
    });
    expect((failure as Error).message).toContain('engine is gone');
  });

  it('does not touch an init() that is called after it', async () => {
    const abort = new AbortController();
    const first = deferred<undefined>();
    let attempts = 0;
    const { runner } = await fakeCompanion({
      start: () => {
        attempts += 1;
        return attempts === 1 ? first.promise : undefined;
      },
    });
    const aborted = runner.init({ signal: abort.signal });
    await new Promise(setImmediate);
    abort.abort();
    const again = runner.init();
    first.resolve(undefined);
    expect(await outcomes(aborted, again)).toEqual(['COMPANION_ABORTED', 'done']);
    await assertUsable(runner);
  });

  it('lets the caller go after 10 s when the backend ignores it, and removes what then still comes', async () => {
    const slow = deferred<undefined>();
    const { runner, backend } = await fakeCompanion({ start: () => slow.promise });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const abort = new AbortController();
    const failure = runner.init({ signal: abort.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1);
    abort.abort();
    await vi.advanceTimersByTimeAsync(10_001);
    expect(await failure).toEqual(hasCode('COMPANION_ABORTED'));
    slow.resolve(undefined);
    await vi.advanceTimersByTimeAsync(1);
    expect(backend.calls.at(-1)).toBe('shutdown');
    vi.useRealTimers();
    await runner.init();
    expect(backend.environments).toHaveLength(2);
    await assertUsable(runner);
  });

  it('and then shutdown(): one removal at a time, and none of what is gone', async () => {
    const slow = deferred<undefined>();
    const removing = deferred();
    const { runner, backend } = await fakeCompanion({
      start: () => slow.promise,
      shutdown: () => removing.promise,
    });
    await giveUp(runner);
    slow.resolve(undefined);
    await vi.waitFor(() => expect(backend.calls.at(-1)).toBe('shutdown'));
    const shutdown = runner.shutdown();
    await new Promise(setImmediate);
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
    removing.resolve();
    await shutdown;
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
  });

  it('and then shutdown() tries again what could not be removed', async () => {
    const slow = deferred<undefined>();
    const removing = deferred();
    let broken = true;
    const { runner, backend } = await fakeCompanion({
      start: () => slow.promise,
      shutdown: async () => {
        await removing.promise;
        if (broken) throw new Error('engine is gone');
      },
    });
    await giveUp(runner);
    slow.resolve(undefined);
    await vi.waitFor(() => expect(backend.calls.at(-1)).toBe('shutdown'));
    const shutdown = runner.shutdown();
    removing.resolve();
    await expect(shutdown).rejects.toEqual(hasCode('COMPANION_SHUTDOWN_FAILED'));
    broken = false;
    await runner.shutdown();
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown', 'shutdown', 'shutdown']);
  });

  describe('of a restart that ignores it', () => {
    /** Given up after 10 s; its start settles when `slow` does. */
    async function givenUpRestart(behaviour: FakeBehaviour = {}) {
      const slow = deferred<undefined>();
      let attempts = 0;
      const companion = await startedFake({
        ...behaviour,
        start: () => {
          attempts += 1;
          return attempts === 2 ? slow.promise : undefined;
        },
      });
      await companion.runner.stop();
      await giveUp(companion.runner);
      expect(companion.runner.state).toBe('stopped');
      return { ...companion, slow };
    }

    it('keeps its files: it is stopped again, and the next init() waits for that', async () => {
      const { runner, backend, slow } = await givenUpRestart();
      const again = runner.init();
      await new Promise(setImmediate);
      expect(backend.calls).toEqual(['detect', 'start', 'stop', 'start']);
      slow.resolve(undefined);
      await again;
      expect(backend.calls).toEqual(['detect', 'start', 'stop', 'start', 'stop', 'start']);
      expect(backend.environments).toHaveLength(1);
      await assertUsable(runner);
    });

    it.each([
      ['after it has settled', true],
      ['before it has settled', false],
    ])('is removed by a shutdown() %s', async (_when, settled) => {
      const { runner, backend, slow } = await givenUpRestart();
      if (settled) slow.resolve(undefined);
      await runner.shutdown({ remove: true });
      expect(runner.state).toBe('shut-down');
      slow.resolve(undefined);
      await vi.waitFor(() =>
        expect(backend.calls).toEqual(['detect', 'start', 'stop', 'start', 'stop', 'shutdown']),
      );
    });

    it('lets an init() go that waits for it and is aborted', async () => {
      const { runner, backend, slow } = await givenUpRestart();
      await giveUp(runner);
      expect(backend.calls).toEqual(['detect', 'start', 'stop', 'start']);
      slow.resolve(undefined);
      await runner.init();
      expect(backend.calls.filter((call) => call === 'start')).toHaveLength(3);
      await assertUsable(runner);
    });
  });

  it('leaves nothing behind when it comes as the start succeeds', async () => {
    const abort = new AbortController();
    const { runner, backend } = await fakeCompanion(
      {},
      { onEvent: (event) => event.type === 'started' && abort.abort() },
    );
    const [outcome] = await outcomes(runner.init({ signal: abort.signal }));
    // Too late to abort, or in time: both are fine, as long as the state tells the truth.
    if (outcome === 'done') await assertUsable(runner);
    else {
      expect(outcome).toBe('COMPANION_ABORTED');
      expect(backend.calls).toContain('shutdown');
    }
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const { runner } = await fakeCompanion();
    await runner.init({ signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('stop()', () => {
  it('does nothing before init(), after shutdown() and twice', async () => {
    const { runner, backend } = await fakeCompanion();
    await runner.stop();
    expect(runner.state).toBe('created');
    await runner.init();
    await Promise.all([runner.stop(), runner.stop()]);
    await runner.stop();
    await runner.shutdown();
    await runner.stop();
    expect(backend.calls).toEqual(['detect', 'start', 'stop', 'shutdown']);
  });

  it('ends processes before it stops the environment', async () => {
    const companion = await startedFake({
      stop: () => expect(companion.environment.processes[0]?.kills).toEqual(['SIGTERM tree']),
    });
    const process = await companion.runner.spawn('tool');
    await companion.runner.stop();
    expect(process.isRunning()).toBe(false);
    expect(await process.wait()).toMatchObject({ signal: 'SIGTERM' });
  });

  it('during init() aborts the start', async () => {
    const entered = deferred();
    const starting = deferred<undefined>();
    const { runner, backend } = await fakeCompanion({
      start: () => {
        entered.resolve();
        return starting.promise;
      },
    });
    const init = runner.init();
    await entered.promise;
    const stopped = runner.stop();
    starting.resolve(undefined);
    expect(await outcomes(init, stopped)).toEqual(['COMPANION_ABORTED', 'done']);
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
    expect(runner.state).toBe('created');
  });

  it('that fails rejects with SHUTDOWN_FAILED, is not passed off as ready, and can be tried again', async () => {
    let broken = true;
    const cause = new Error('engine does not answer');
    const { runner, backend } = await startedFake({
      stop: () => {
        if (broken) throw cause;
      },
    });
    await expect(runner.stop()).rejects.toMatchObject({ code: 'COMPANION_SHUTDOWN_FAILED', cause });
    expect(runner.state).not.toBe('ready');
    await expect(runner.init()).rejects.toMatchObject({
      code: 'COMPANION_WRONG_STATE',
      hint: expect.stringContaining('stop()'),
    });
    broken = false;
    await runner.stop();
    expect(runner.state).toBe('stopped');
    expect(backend.calls).toEqual(['detect', 'start', 'stop', 'stop']);
    await runner.init();
    await assertUsable(runner);
  });

  it('ends a process whose start is still under way', async () => {
    const spawning = deferred();
    const { runner, environment } = await startedFake({ spawn: () => spawning.promise });
    const spawned = runner.spawn('tool');
    const stopped = runner.stop();
    spawning.resolve();
    const [spawnOutcome] = await outcomes(spawned, stopped);
    expect(spawnOutcome).not.toBe('done');
    expect(environment.processes[0]?.kills).toContain('SIGKILL tree');
  });
});

describe('shutdown()', () => {
  it('before init() touches no environment', async () => {
    const { runner, backend } = await fakeCompanion();
    await runner.shutdown();
    expect(runner.state).toBe('shut-down');
    expect(backend.calls).toEqual(['detect']);
  });

  it('removes once, however often and concurrently it is called', async () => {
    const { runner, backend } = await startedFake();
    await Promise.all([runner.shutdown(), runner.shutdown()]);
    await runner.shutdown();
    await runner[Symbol.asyncDispose]();
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
    expect(runner.environment).toBeUndefined();
  });

  it('passes `remove` on', async () => {
    const seen: unknown[] = [];
    const { runner } = await startedFake({ shutdown: (options) => void seen.push(options?.remove) });
    await runner.shutdown({ remove: true });
    expect(seen).toEqual([true]);
  });

  describe('where the environment is kept for reuse', () => {
    async function reused(shutdown: FakeBehaviour['shutdown'] = () => {}) {
      const asked: unknown[] = [];
      const companion = await startedFake(
        {
          shutdown: (options) => {
            asked.push(options?.remove ?? false);
            return shutdown(options);
          },
        },
        { reuse: true },
      );
      return { ...companion, asked };
    }

    it('can still remove it, once', async () => {
      const { runner, asked } = await reused();
      await runner.shutdown();
      await runner.shutdown();
      await Promise.all([runner.shutdown({ remove: true }), runner.shutdown({ remove: true })]);
      await runner.shutdown({ remove: true });
      await runner.shutdown();
      expect(asked).toEqual([false, true]);
      expect(runner.state).toBe('shut-down');
    });

    it('removes it also beside a call that does not', async () => {
      const { runner, asked } = await reused();
      await Promise.all([runner.shutdown(), runner.shutdown({ remove: true })]);
      expect(asked).toEqual([false, true]);
    });

    it('that fails to remove it can be tried again', async () => {
      let broken = true;
      const { runner, asked } = await reused((options) => {
        if (options?.remove && broken) throw new Error('engine is gone');
      });
      await runner.shutdown();
      await expect(runner.shutdown({ remove: true })).rejects.toEqual(hasCode('COMPANION_SHUTDOWN_FAILED'));
      expect(runner.state).toBe('shutting-down');
      broken = false;
      await runner.shutdown({ remove: true });
      expect(asked).toEqual([false, true, true]);
      expect(runner.state).toBe('shut-down');
    });
  });

  it('asks nothing more of an environment that is gone, `remove` or not', async () => {
    const { runner, backend } = await startedFake();
    await runner.shutdown();
    await runner.shutdown({ remove: true });
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
  });

  it('aborts a start that is under way', async () => {
    const entered = deferred();
    const starting = deferred<undefined>();
    const { runner, backend } = await fakeCompanion({
      start: () => {
        entered.resolve();
        return starting.promise;
      },
    });
    const init = runner.init();
    await entered.promise;
    const shutdown = runner.shutdown();
    starting.resolve(undefined);
    expect(await outcomes(init, shutdown)).toEqual(['COMPANION_ABORTED', 'done']);
    expect(runner.state).toBe('shut-down');
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
  });

  it('aborts a start that was asked for in the same tick', async () => {
    const { runner, backend } = await fakeCompanion({
      start: () => new Promise((resolve) => setImmediate(resolve, undefined)),
    });
    const init = runner.init();
    const shutdown = runner.shutdown();
    expect(await outcomes(init, shutdown)).toEqual(['COMPANION_ABORTED', 'done']);
    expect(runner.state).toBe('shut-down');
    expect(backend.calls.filter((call) => call === 'start').length).toBeLessThanOrEqual(
      backend.calls.filter((call) => call === 'shutdown').length,
    );
  });

  it('wins over an init() that is called right after it', async () => {
    const { runner, backend } = await fakeCompanion();
    const shutdown = runner.shutdown();
    const init = runner.init();
    expect(await outcomes(shutdown, init)).toEqual(['done', 'COMPANION_WRONG_STATE']);
    expect(runner.state).toBe('shut-down');
    expect(backend.calls).not.toContain('start');
  });

  it('during stop() comes after it, and an init() that waited for the stop is refused', async () => {
    const stopping = deferred();
    const { runner, backend } = await startedFake({ stop: () => stopping.promise });
    const stop = runner.stop();
    const init = runner.init();
    const shutdown = runner.shutdown();
    stopping.resolve();
    const [stopped, initialised, shut] = await outcomes(stop, init, shutdown);
    expect([stopped, shut]).toEqual(['done', 'done']);
    expect(initialised).not.toBe('done');
    expect(runner.state).toBe('shut-down');
    expect(backend.calls.at(-1)).toBe('shutdown');
  });

  it('that fails rejects with SHUTDOWN_FAILED, is not passed off as ready, and can be tried again', async () => {
    let broken = true;
    const cause = new Error('engine does not answer');
    const { runner, backend } = await startedFake({
      shutdown: () => {
        if (broken) throw cause;
      },
    });
    const both = [runner.shutdown(), runner.shutdown()];
    for (const call of both)
      await expect(call).rejects.toMatchObject({ code: 'COMPANION_SHUTDOWN_FAILED', cause });
    expect(runner.state).not.toBe('ready');
    broken = false;
    await runner.shutdown();
    expect(runner.state).toBe('shut-down');
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown', 'shutdown']);
  });

  it('removes the environment although a process in it cannot be ended', async () => {
    const { runner, backend, environment } = await startedFake();
    await runner.spawn('tool');
    environment.processes[0]!.kill = () => Promise.reject(new Error('operation not permitted'));
    await runner.shutdown();
    expect(backend.calls.at(-1)).toBe('shutdown');
  });
});

describe('with… methods', () => {
  it('are chainable before init() and refused after it', async () => {
    const { runner } = await fakeCompanion();
    expect(runner.withEnv({ A: '1' }).withWorkDir('/workspace').withPause(true)).toBe(runner);
    await runner.init();
    for (const call of [
      () => runner.withEnv({}),
      () => runner.withMount('.', '/m'),
      () => runner.withPortMapping(0, 1),
      () => runner.withWorkDir('/'),
      () => runner.withUser('host'),
      () => runner.withPause(),
      () => runner.withEntrypoint('a'),
      () => runner.withCommand('a'),
      () => runner.withBinary('a'),
    ])
      expect(call).toThrow(hasCode('COMPANION_WRONG_STATE'));
  });

  it('are refused at the call when the chosen backend cannot honour them, and then change nothing', async () => {
    const { runner, environment } = await (async () => {
      const companion = await fakeCompanion({ capabilities: { user: false } });
      expect(() => companion.runner.withMount('.', '/m', { readOnly: true })).toThrow(
        expect.objectContaining({
          code: 'COMPANION_UNSUPPORTED',
          hint: expect.stringContaining('as an option'),
        }),
      );
      expect(() => companion.runner.withUser({ uid: 4711, gid: 4711 })).toThrow(
        hasCode('COMPANION_UNSUPPORTED'),
      );
      await companion.runner.init();
      return companion;
    })();
    expect(environment.request).toMatchObject({ mounts: [], user: 'host' });
    await runner.shutdown();
  });

  it('reach the backend as one frozen, complete request', async () => {
    const { runner, environment } = await (async () => {
      const companion = await fakeCompanion(
        { capabilities: { filesystem: 'bound', network: 'private' } },
        { name: 'lsp' },
      );
      companion.runner
        .withMount('.', '/m')
        .withPortMapping(0, 4711, { name: 'debug' })
        .withWorkDir('/m')
        .withEnv({ LANG: 'C', GONE: undefined })
        .withUser({ uid: 1, gid: 2 })
        .withPause(false)
        .withEntrypoint('sh', '-c')
        .withCommand('true');
      await companion.runner.init();
      return companion;
    })();
    expect(environment.request).toMatchObject({
      name: 'lsp',
      id: expect.stringMatching(/^[0-9a-f]{12}$/),
      sourceDir: import.meta.dirname,
      workspaceDir: '/workspace',
      workDir: '/m',
      mounts: [{ hostPath: import.meta.dirname, companionPath: '/m', readOnly: false, strict: false }],
      ports: [{ name: 'debug', companionPort: 4711, hostPort: undefined }],
      env: { LANG: 'C' },
      user: { uid: 1, gid: 2 },
      main: { entrypoint: ['sh', '-c'], command: ['true'] },
      reuse: false,
    });
    expect(Object.isFrozen(environment.request)).toBe(true);
    await runner.shutdown();
  });
});

describe('startCompanion()', () => {
  const options = { sourceDir: import.meta.dirname, preferredBackend: 'fake' };

  it('gives a companion that is ready', async () => {
    const runner = await startCompanion({ ...options, backends: [fakeBackend()] });
    await assertUsable(runner);
    await runner.shutdown();
  });

  it('that fails leaves nothing, not even what the first clean-up left', async () => {
    let cleanUps = 0;
    const backend = fakeBackend({
      start: () => Promise.reject(new Error('no')),
      shutdown: () => {
        cleanUps += 1;
        if (cleanUps === 1) throw new Error('busy');
      },
    });
    await expect(startCompanion({ ...options, backends: [backend] })).rejects.toEqual(
      hasCode('COMPANION_START_FAILED'),
    );
    expect(cleanUps).toBe(2);
  });

  it('means the options as they were when it was called', async () => {
    const changed = { ...options, name: 'before', backends: [fakeBackend()] };
    const starting = startCompanion(changed);
    changed.name = 'after';
    const runner = await starting;
    expect(runner.name).toBe('before');
    await runner.shutdown();
  });
});

describe('what a companion says of itself', () => {
  it('is its name, backend, state, and the live environment while there is one', async () => {
    const companion = await fakeCompanion({}, { name: 'lsp' });
    const { runner } = companion;
    expect(runner).toMatchObject({ name: 'lsp', backend: 'fake', state: 'created', environment: undefined });
    await runner.init();
    expect(runner.environment).toBe(companion.environment);
    await runner.shutdown();
    expect(runner).toMatchObject({ state: 'shut-down', environment: undefined });
  });

  it.each([
    ['shared', process.pid],
    ['private', null],
  ] as const)('with %s process ids includes the client’s id as %s', async (processes, id) => {
    const { runner } = await fakeCompanion({ capabilities: { processes } });
    expect(runner.clientProcessId).toBe(id);
  });
});
