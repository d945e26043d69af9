import { getEventListeners } from 'node:events';
import { CompanionError, type CompanionProcess } from '@companion/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FakeBehaviour, FakeProcess } from '../fake-backend.js';
import { type FakeCompanion, startedFake } from '../fake-companion.js';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }));
afterEach(() => vi.useRealTimers());

interface Running extends FakeCompanion {
  readonly process: CompanionProcess;
  readonly fake: FakeProcess;
}

async function running(
  shape: (fake: FakeProcess) => void = () => {},
  behaviour: FakeBehaviour = {},
): Promise<Running> {
  const companion = await startedFake({ spawn: shape, ...behaviour });
  const process = await companion.runner.spawn('tool');
  return Object.assign(companion, { process, fake: companion.environment.processes[0]! });
}

const deaf = (fake: FakeProcess): void => {
  fake.heeds = ['SIGKILL'];
};

/** Whether a promise has settled by now. */
function watch(promise: Promise<unknown>): { settled: boolean } {
  const state = { settled: false };
  const settle = () => {
    state.settled = true;
  };
  promise.then(settle, settle);
  return state;
}

describe('stop()', () => {
  it('asks the whole tree with TERM, and is done when nothing of it is left', async () => {
    const { process, fake } = await running();
    await process.stop();
    expect(fake.kills).toEqual(['SIGTERM tree']);
    expect(await process.wait()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(process.isRunning()).toBe(false);
  });

  it('gives 3 s by default before it kills', async () => {
    const { process, fake } = await running(deaf);
    const stopping = process.stop();
    await vi.advanceTimersByTimeAsync(2999);
    expect(fake.kills).toEqual(['SIGTERM tree']);
    await vi.advanceTimersByTimeAsync(1);
    await vi.advanceTimersByTimeAsync(200);
    await stopping;
    expect(fake.kills).toEqual(['SIGTERM tree', 'SIGKILL tree']);
    expect(await process.wait()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('gives as long as it is told, and with 0 kills at once', async () => {
    const slow = await running(deaf);
    const stopping = slow.process.stop({ graceMs: 60_000 });
    await vi.advanceTimersByTimeAsync(59_999);
    expect(slow.fake.kills).toEqual(['SIGTERM tree']);
    await vi.advanceTimersByTimeAsync(1000);
    await stopping;
    const now = await running();
    await now.process.stop({ graceMs: 0 });
    expect(now.fake.kills).toEqual(['SIGKILL tree']);
  });

  it('does not wait for the grace when the process obeys', async () => {
    const { process } = await running();
    const before = Date.now();
    const stopping = process.stop({ graceMs: 3_600_000 });
    await vi.advanceTimersByTimeAsync(150);
    await stopping;
    expect(Date.now() - before).toBeLessThanOrEqual(150);
  });

  it('gives descendants the rest of the grace after the process itself has ended', async () => {
    const { process, fake } = await running((fake) => {
      fake.descendantNames = ['helper'];
    });
    const stopping = process.stop({ graceMs: 1000 });
    await vi.advanceTimersByTimeAsync(500);
    expect(fake.kills).toEqual(['SIGTERM tree']);
    fake.descendantNames = [];
    await vi.advanceTimersByTimeAsync(200);
    await stopping;
    expect(fake.kills).toEqual(['SIGTERM tree']);
  });

  it('kills descendants that are still there after the grace', async () => {
    const { process, fake } = await running((fake) => {
      fake.descendantNames = ['stubborn'];
    });
    const stopping = process.stop({ graceMs: 1000 });
    await vi.advanceTimersByTimeAsync(1200);
    await stopping;
    expect(fake.kills).toEqual(['SIGTERM tree', 'SIGKILL tree']);
  });

  it('makes sure where the backend cannot see descendants', async () => {
    const { process, fake } = await running((fake) => Object.assign(fake, { descendants: undefined }));
    const stopping = process.stop();
    await vi.advanceTimersByTimeAsync(200);
    await stopping;
    expect(fake.kills).toEqual(['SIGTERM tree', 'SIGKILL tree']);
  });

  it('called again while it waits is the same stop; with 0 it kills at once', async () => {
    const { process, fake } = await running(deaf);
    const patient = process.stop({ graceMs: 60_000 });
    const again = process.stop({ graceMs: 60_000 });
    await vi.advanceTimersByTimeAsync(1);
    expect(fake.kills).toEqual(['SIGTERM tree']);
    const impatient = process.stop({ graceMs: 0 });
    await vi.advanceTimersByTimeAsync(200);
    await Promise.all([patient, again, impatient]);
    expect(await process.wait()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(fake.kills.filter((kill) => kill === 'SIGTERM tree')).toHaveLength(1);
  });

  it('with a shorter grace shortens a longer one that is running', async () => {
    const { process, fake } = await running(deaf);
    const patient = process.stop({ graceMs: 60_000 });
    await vi.advanceTimersByTimeAsync(1);
    const shorter = process.stop({ graceMs: 100 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(fake.kills).toContain('SIGKILL tree');
    await Promise.all([patient, shorter]);
  });

  it('does nothing before the start, and after the end only ends what was left behind', async () => {
    const { runner, process, fake } = await running();
    const fresh = runner.newProcess('tool');
    await fresh.stop();
    await fresh.start();
    fake.exit(0);
    await process.wait();
    await process.stop();
    expect(fake.kills).toEqual(['SIGTERM tree']);
    expect(await process.wait()).toEqual({ code: 0, signal: null });
  });

  it('that fails says so and can be tried again', async () => {
    const { process, fake } = await running();
    const kill = fake.kill.bind(fake);
    fake.kill = () => Promise.reject(new Error('operation not permitted'));
    await expect(process.stop()).rejects.toMatchObject({
      code: 'COMPANION_SHUTDOWN_FAILED',
      message: 'tool could not be ended: operation not permitted',
      cause: expect.objectContaining({ message: 'operation not permitted' }),
    });
    expect(process.isRunning()).toBe(true);
    fake.kill = kill;
    const stopping = process.stop();
    await vi.advanceTimersByTimeAsync(200);
    await stopping;
    expect(process.isRunning()).toBe(false);
  });

  it('ends the process during its start, and start() rejects with ABORTED', async () => {
    const { runner, environment } = await startedFake({
      spawn: () => new Promise((resolve) => setTimeout(resolve, 10)),
    });
    const process = runner.newProcess('tool');
    const starting = process.start().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1);
    const stopping = process.stop();
    await vi.advanceTimersByTimeAsync(200);
    await stopping;
    expect(await starting).toMatchObject({ code: 'COMPANION_ABORTED' });
    expect(environment.processes[0]?.kills).toEqual(['SIGKILL tree']);
    await expect(process.wait()).rejects.toMatchObject({ code: 'COMPANION_ABORTED' });
  });

  it.each([-1, Number.NaN, '3000', null])('refuses %s as grace', async (graceMs) => {
    const { process, fake } = await running();
    await expect(process.stop({ graceMs: graceMs as number })).rejects.toThrow(
      /^graceMs: expected milliseconds/,
    );
    expect(fake.kills).toEqual([]);
  });

  it('takes a grace longer than a timer can be', async () => {
    const { process, fake } = await running(deaf);
    const stopping = process.stop({ graceMs: Number.MAX_SAFE_INTEGER });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fake.kills).toEqual(['SIGTERM tree']);
    fake.exit(0);
    await vi.advanceTimersByTimeAsync(200);
    await stopping;
  });

  it('is what `await using` does', async () => {
    const { runner, environment } = await startedFake();
    const scope = async () => {
      await using process = await runner.spawn('tool');
      expect(process.isRunning()).toBe(true);
    };
    const leaving = scope();
    await vi.advanceTimersByTimeAsync(200);
    await leaving;
    expect(environment.processes[0]?.kills).toContain('SIGTERM tree');
  });
});

describe('spawn() with a signal', () => {
  it('stops the process when it aborts, with the grace that was given', async () => {
    const { runner, environment } = await startedFake({ spawn: deaf });
    const abort = new AbortController();
    const process = await runner.spawn('tool', [], { signal: abort.signal, killGraceMs: 50 });
    abort.abort();
    await vi.advanceTimersByTimeAsync(49);
    expect(environment.processes[0]?.kills).toEqual(['SIGTERM tree']);
    await vi.advanceTimersByTimeAsync(200);
    expect(await process.wait()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('stops it also when it aborts in the very tick of the start', async () => {
    const abort = new AbortController();
    const { runner, environment } = await startedFake(
      {},
      { onEvent: (event) => event.topic === 'process' && event.type === 'started' && abort.abort() },
    );
    const spawning = runner.spawn('tool', [], { signal: abort.signal }).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(200);
    await spawning;
    expect(environment.processes[0]?.kills).not.toEqual([]);
  });

  it('aborted before it starts anything rejects with ABORTED and its reason', async () => {
    const { runner, environment } = await startedFake();
    const cause = new Error('too late');
    const spawning = runner.spawn('tool', [], { signal: AbortSignal.abort(cause) });
    await expect(spawning).rejects.toMatchObject({ code: 'COMPANION_ABORTED', cause });
    expect(environment.processes).toEqual([]);
  });

  it('aborted because something else failed is still an abort, not that failure', async () => {
    const { runner, environment } = await startedFake();
    const cause = new CompanionError('COMPANION_COMMAND_FAILED', 'the other one failed');
    const signal = AbortSignal.abort(cause);
    const aborted = { code: 'COMPANION_ABORTED', cause };
    await expect(runner.spawn('tool', [], { signal })).rejects.toMatchObject(aborted);
    await expect(runner.newProcess('tool').start({ signal })).rejects.toMatchObject(aborted);
    await expect(runner.run('tool', [], { signal })).rejects.toMatchObject(aborted);
    expect(environment.processes).toEqual([]);
  });

  it('aborted while a backend starts it, even one that does not listen, leaves nothing running', async () => {
    const { runner, environment, events } = await startedFake({
      spawn: () => new Promise((resolve) => setTimeout(resolve, 100)),
    });
    const abort = new AbortController();
    const spawning = runner.spawn('tool', [], { signal: abort.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(50);
    abort.abort();
    await vi.advanceTimersByTimeAsync(100);
    expect(await spawning).toMatchObject({ code: 'COMPANION_ABORTED' });
    expect(environment.processes[0]?.kills).toEqual(['SIGKILL tree']);
    expect(events.filter((event) => event.topic === 'process')).toMatchObject([
      { type: 'start-failed', code: 'COMPANION_ABORTED' },
    ]);
  });

  it('refuses a killGraceMs that would make the abort fail, before it starts anything', async () => {
    const { runner, environment } = await startedFake();
    await expect(runner.spawn('tool', [], { killGraceMs: -1 })).rejects.toThrow(TypeError);
    expect(environment.processes).toEqual([]);
  });

  it('may be shared by many processes without a warning', async () => {
    const warnings: unknown[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.message);
    process.on('warning', onWarning);
    try {
      const { runner } = await startedFake({ spawn: (fake) => void setTimeout(() => fake.exit(0), 10) });
      const { signal } = new AbortController();
      const runs = Array.from({ length: 20 }, () => runner.run('tool', [], { signal }));
      const spawned = Array.from({ length: 20 }, () => runner.spawn('tool', [], { signal }));
      await vi.advanceTimersByTimeAsync(200);
      await Promise.all([...runs, ...spawned]);
      await new Promise(setImmediate);
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', onWarning);
    }
  });

  it('forgets the signal with the process', async () => {
    const { runner, environment } = await startedFake();
    const { signal } = new AbortController();
    const process = await runner.spawn('tool', [], { signal });
    environment.processes[0]!.exit(0);
    await process.wait();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('waitOn()', () => {
  it('counts a process as running until its descendant of that name has ended', async () => {
    const { runner, environment, events } = await startedFake({
      spawn: (fake) => {
        fake.descendantNames = ['worker', 'other'];
      },
    });
    const process = runner.newProcess('daemon').waitOn('worker');
    await process.start();
    const fake = environment.processes[0]!;
    fake.exit(3);
    const verdict = process.wait();
    const state = watch(verdict);
    await vi.advanceTimersByTimeAsync(1000);
    expect(state.settled).toBe(false);
    expect(process.isRunning()).toBe(true);
    fake.descendantNames = ['other'];
    await vi.advanceTimersByTimeAsync(100);
    expect(await verdict).toEqual({ code: 3, signal: null });
    expect(process.isRunning()).toBe(false);
    expect(events.filter((event) => event.type === 'exited')).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not survive stop()', async () => {
    const { runner, environment } = await startedFake();
    const process = runner.newProcess('daemon').waitOn('worker');
    await process.start();
    const fake = environment.processes[0]!;
    fake.descendantNames = ['worker'];
    fake.exit(0, { holdPipes: true });
    const kill = fake.kill.bind(fake);
    fake.kill = async (signal, target) => {
      if (signal === 'SIGKILL') {
        fake.descendantNames = [];
        fake.closePipes();
      }
      await kill(signal, target);
    };
    const stopping = process.stop({ graceMs: 100 });
    await vi.advanceTimersByTimeAsync(1000);
    await stopping;
    expect(await process.wait()).toEqual({ code: 0, signal: null });
  });

  it('is refused where the backend cannot see descendants', async () => {
    const { runner } = await startedFake({ capabilities: { descendants: false } });
    expect(() => runner.newProcess('daemon').waitOn('worker')).toThrow(
      expect.objectContaining({
        code: 'COMPANION_UNSUPPORTED',
        hint: expect.stringContaining('requires: { descendants: true }'),
      }),
    );
  });
});

describe('signal()', () => {
  it('reaches the process itself, and is quiet after its end', async () => {
    const { process, fake } = await running();
    await process.signal('SIGHUP');
    await process.signal('SIGTERM');
    await process.wait();
    await process.signal('SIGTERM');
    await process.signal('SIGHUP');
    expect(fake.kills).toEqual(['SIGHUP process', 'SIGTERM process']);
  });

  it('reaches the whole tree where that is asked for, and can be done', async () => {
    const { process, fake } = await running();
    await process.signal('SIGINT', { tree: true });
    expect(fake.kills).toEqual(['SIGINT tree']);
    await expect(process.signal('SIGINT', { tree: 'yes' as never })).rejects.toThrow(/^tree: expected/);
    const leaderOnly = await running(undefined, { capabilities: { killTree: false } });
    await expect(leaderOnly.process.signal('SIGINT', { tree: true })).rejects.toMatchObject({
      code: 'COMPANION_UNSUPPORTED',
    });
  });

  it('before the start is refused', async () => {
    const { runner } = await startedFake();
    await expect(runner.newProcess('tool').signal('SIGTERM')).rejects.toMatchObject({
      code: 'COMPANION_WRONG_STATE',
    });
  });

  it('knows the names of signals', async () => {
    const { process } = await running();
    for (const name of ['TERM', 'SIGNOTHING', 15, 'toString'])
      await expect(process.signal(name as 'SIGTERM')).rejects.toThrow(/^signal: expected a signal's name/);
  });

  it('other than TERM and KILL is refused where the backend has no other', async () => {
    const { process, fake } = await running(undefined, { capabilities: { signals: false } });
    await expect(process.signal('SIGHUP')).rejects.toMatchObject({ code: 'COMPANION_UNSUPPORTED' });
    await process.signal('SIGKILL');
    expect(fake.kills).toEqual(['SIGKILL process']);
  });
});
