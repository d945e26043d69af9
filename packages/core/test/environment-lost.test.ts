import type { CompanionErrorCode } from '@companion/core';
import { describe, expect, it } from 'vitest';
import { deferred } from './deferred.js';
import type { FakeProcess } from './fake-backend.js';
import { fakeCompanion, startedFake } from './fake-companion.js';

const hasCode = (code: CompanionErrorCode) => expect.objectContaining({ code });
const LOST = hasCode('COMPANION_ENVIRONMENT_LOST');
const died = new Error('the container was removed by somebody else');

/** What a process does when the machine under it has gone: nothing, not even end. */
const deaf = (process: FakeProcess): void => {
  process.heeds = [];
};

describe('an environment that dies while nobody looks', () => {
  it('is `lost`, and every later call says so until shutdown()', async () => {
    const { runner, environment, events } = await startedFake(
      { capabilities: { network: 'private' } },
      { ports: [4711] },
    );
    environment.lost.resolve(died);
    await environment.lost.promise;
    expect(runner.state).toBe('lost');
    for (const call of [
      () => runner.run('tool'),
      () => runner.spawn('tool'),
      () => runner.newProcess('tool').start(),
      () => runner.init(),
      () => runner.waitForPort(4711),
      () => runner.copyIn('a', '/workspace/b'),
      () => runner.copyOut('/workspace/b', 'a'),
      () => runner.logs().next(),
      async () => runner.endpoint(4711),
    ])
      await expect(call()).rejects.toEqual(LOST);
    expect(events.filter((event) => event.type === 'lost')).toMatchObject([{ reason: died.message }]);
    await runner.stop();
    await runner.shutdown();
    expect(runner.state).toBe('shut-down');
  });

  it('counts as lost as well when the backend rejects instead of resolving', async () => {
    const { runner, environment } = await startedFake();
    environment.lost.reject(died);
    await environment.lost.promise.catch(() => {});
    expect(runner.state).toBe('lost');
    await runner.shutdown();
  });

  it.each(['before', 'after'] as const)(
    'says nothing about the next one: %s that has started',
    async (when) => {
      const starting = deferred<undefined>();
      let starts = 0;
      const { runner, environment, events } = await startedFake({
        start: () => {
          starts += 1;
          return starts === 1 ? undefined : starting.promise;
        },
      });
      const before = environment.lost;
      await runner.stop();
      const again = runner.init();
      await new Promise(setImmediate);
      if (when === 'before') before.resolve(died);
      await new Promise(setImmediate);
      starting.resolve(undefined);
      await again;
      if (when === 'after') before.resolve(died);
      await before.promise;
      expect(runner.state).toBe('ready');
      expect(events.map((event) => event.type)).not.toContain('lost');
      await runner.shutdown();
    },
  );
});

describe('an environment that dies while processes run', () => {
  it('settles every wait(), run() and open stream', async () => {
    const { runner, environment } = await startedFake({ spawn: deaf });
    const spawned = await runner.spawn('server');
    const lines = (async () => {
      for await (const _line of spawned.lines());
      return 'ended';
    })();
    const run = runner.run('tool');
    const waits = [spawned.wait(), spawned.wait()];
    await new Promise(setImmediate);
    environment.lost.resolve(died);
    for (const call of [run, ...waits]) await expect(call).rejects.toEqual(LOST);
    await expect(lines).resolves.toBe('ended');
    expect(spawned.isRunning()).toBe(false);
    await spawned.stop();
    await runner.shutdown();
  });

  it('reports the verdict as unknown, never as 0', async () => {
    const { runner, environment, events } = await startedFake({ spawn: deaf });
    const failure = runner.run('tool', [], { reject: false }).catch((error: unknown) => error);
    await new Promise(setImmediate);
    environment.lost.resolve(died);
    expect(await failure).toMatchObject({ code: 'COMPANION_ENVIRONMENT_LOST', cause: died });
    expect(events.filter((event) => event.type === 'exited')).toMatchObject([{ file: 'tool', status: null }]);
    await runner.shutdown();
  });

  it('rejects a start, waitForPort() and waitForLine() that are under way', async () => {
    const never = deferred();
    let spawned = 0;
    const { runner, environment } = await startedFake({
      spawn: (process) => {
        deaf(process);
        spawned += 1;
        return spawned === 1 ? undefined : never.promise;
      },
    });
    const process = await runner.spawn('server');
    const calls = [runner.spawn('tool'), runner.waitForPort(1), runner.waitForLine(process, 'ready')];
    const settled = Promise.allSettled(calls);
    await new Promise(setImmediate);
    environment.lost.resolve(died);
    for (const outcome of await settled) {
      expect(outcome.status).toBe('rejected');
      expect(['COMPANION_ENVIRONMENT_LOST', 'COMPANION_NOT_READY']).toContain(
        (outcome as PromiseRejectedResult).reason.code,
      );
    }
    await runner.shutdown();
  });

  it.each(['stop', 'shutdown'] as const)('does not keep %s() waiting', async (method) => {
    const companion = await startedFake({ spawn: deaf, [method]: () => undefined });
    const { runner, environment } = companion;
    const process = await runner.spawn('server');
    const verdict = process.wait().catch((error: unknown) => error);
    const ended = runner[method]();
    await new Promise(setImmediate);
    environment.lost.resolve(died);
    await ended;
    expect(await verdict).toEqual(LOST);
    await runner.shutdown();
  });
});

describe('an environment that dies while it starts', () => {
  it('makes init() reject with ENVIRONMENT_LOST and leaves nothing behind', async () => {
    const { runner, backend } = await fakeCompanion({ start: () => ({ lost: Promise.resolve(died) }) });
    await expect(runner.init()).rejects.toEqual(LOST);
    expect(runner.state).toBe('created');
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
  });

  it('makes init() reject even while it looks for binaries that nobody will ever find', async () => {
    const { runner, backend } = await fakeCompanion({
      start: () => ({ lost: Promise.resolve(died) }),
      resolveBinary: () => new Promise(() => {}),
    });
    runner.withBinary('node');
    await expect(runner.init()).rejects.toEqual(LOST);
    expect(backend.calls.at(-1)).toBe('shutdown');
  });

  it('is not forgotten when it dies in the very tick in which it becomes ready', async () => {
    const companion = await fakeCompanion(
      {},
      { onEvent: (event) => event.type === 'started' && companion.environment.lost.resolve(died) },
    );
    const { runner } = companion;
    await runner.init().catch(() => {});
    await new Promise(setImmediate);
    expect(runner.state).not.toBe('ready');
    await expect(runner.run('tool')).rejects.toBeInstanceOf(Error);
    await runner.shutdown();
  });
});
