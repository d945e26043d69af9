import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createCompanion, type PublishedEvent } from '@companion/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fakeBackend } from './fake-backend.js';
import { startedFake } from './fake-companion.js';

const CHANNELS = ['selection', 'environment', 'image', 'process'].map((topic) => `companion:${topic}`);
let stop = (): void => {};
afterEach(() => stop());

/** What subscribers of the channels receive. */
function published(): unknown[] {
  const events: unknown[] = [];
  const onEvent = (event: unknown) => void events.push(event);
  for (const name of CHANNELS) subscribe(name, onEvent);
  stop = () => {
    for (const name of CHANNELS) unsubscribe(name, onEvent);
  };
  return events;
}

describe('events', () => {
  it('are the same frozen objects on diagnostics_channel and for onEvent, in order', async () => {
    const onChannel = published();
    const { runner, events } = await startedFake({
      start: () => undefined,
      spawn: (fake) => fake.exit(0),
    });
    await runner.run('tool');
    await runner.stop();
    await runner.shutdown();
    expect(onChannel).toHaveLength(events.length);
    for (const [index, event] of events.entries()) {
      expect(onChannel[index]).toBe(event);
      expect(Object.isFrozen(event)).toBe(true);
      expect(Object.isFrozen(event.companion)).toBe(true);
    }
    expect(events.map(({ topic, type }) => `${topic} ${type}`)).toEqual([
      'selection candidate',
      'selection selected',
      'environment starting',
      'environment started',
      'environment mount-translated',
      'process started',
      'process exited',
      'environment stopped',
      'environment removed',
    ]);
  });

  it('say which companion they are about, when, and how long things took', async () => {
    const { runner, events } = await startedFake({}, { name: 'lsp' });
    await runner.shutdown();
    const [candidate] = events;
    expect(candidate).toMatchObject({
      companion: { name: 'lsp', backend: null },
      verdict: 'chosen',
      durationMs: expect.any(Number),
    });
    for (const event of events.slice(2)) {
      expect(event.companion).toMatchObject({ id: candidate?.companion.id, name: 'lsp', backend: 'fake' });
      expect(Math.abs(event.at - Date.now())).toBeLessThan(60_000);
    }
    for (const type of ['started', 'removed'])
      expect(events.find((event) => event.topic === 'environment' && event.type === type)).toHaveProperty(
        'durationMs',
      );
  });

  it('of a backend reach the listeners, too', async () => {
    const { environment, events } = await startedFake();
    environment.request.emit({ topic: 'image', type: 'pulling', reference: 'node:24' });
    expect(events.at(-1)).toMatchObject({
      topic: 'image',
      type: 'pulling',
      reference: 'node:24',
      companion: { backend: 'fake' },
    });
    expect(() => environment.request.emit({ topic: 'gossip', type: 'x' } as never)).not.toThrow();
  });

  it('tell of a failed start by its code', async () => {
    const events: PublishedEvent[] = [];
    const runner = await createCompanion({
      sourceDir: import.meta.dirname,
      backends: [fakeBackend({ start: () => Promise.reject(new Error('no')) })],
      preferredBackend: 'fake',
      onEvent: (event) => events.push(event),
    });
    await runner.init().catch(() => {});
    expect(events.at(-1)).toMatchObject({
      type: 'start-failed',
      code: 'COMPANION_START_FAILED',
      durationMs: expect.any(Number),
    });
  });

  it('show neither a variable’s value nor an argument', async () => {
    const secret = 'hunter2';
    const onChannel = published();
    const { runner } = await startedFake(
      {
        spawn: (fake) => {
          fake.stdout.write(secret);
          fake.exit(1);
        },
      },
      { env: { TOKEN: secret }, backendOptions: { fake: { token: secret } } as object },
    );
    await runner.run('tool', ['--token', secret], { env: { OTHER: secret }, input: secret, reject: false });
    await runner.shutdown();
    expect(onChannel.length).toBeGreaterThan(5);
    expect(JSON.stringify(onChannel)).not.toContain(secret);
  });

  it('cost nothing where nobody listens, and say nothing', async () => {
    const now = vi.spyOn(Date, 'now');
    const runner = await createCompanion({
      sourceDir: import.meta.dirname,
      backends: [fakeBackend({ spawn: (fake) => fake.exit(0) })],
      preferredBackend: 'fake',
    });
    await runner.init();
    now.mockClear();
    await runner.run('tool');
    expect(now).not.toHaveBeenCalled();
    await runner.shutdown();
    now.mockRestore();
  });
});

describe('a listener that throws', () => {
  it('changes nothing for the companion, and its error is not swallowed', async () => {
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const onUncaught = (error: unknown) => void uncaught.push(error);
    process.on('uncaughtException', onUncaught);
    try {
      const bug = new Error('my bug');
      const { runner } = await startedFake(
        { spawn: (fake) => fake.exit(0) },
        {
          onEvent: () => {
            throw bug;
          },
        },
      );
      expect((await runner.run('tool')).code).toBe(0);
      await runner.shutdown();
      expect(runner.state).toBe('shut-down');
      await new Promise(setImmediate);
      expect(uncaught.length).toBeGreaterThan(5);
      expect(new Set(uncaught)).toEqual(new Set([bug]));
    } finally {
      process.off('uncaughtException', onUncaught);
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });
});

describe('output-unread', () => {
  it('names the process and the stream that blocks it', async () => {
    const { runner, environment, events } = await startedFake();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const process = await runner.spawn('tool');
      const { stderr } = process;
      environment.processes[0]!.stderr.write(Buffer.alloc(2 * 1024 * 1024));
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(events.at(-1)).toMatchObject({
        topic: 'process',
        type: 'output-unread',
        process: process.number,
        pid: 42,
        file: 'tool',
        stream: 'stderr',
      });
      stderr.destroy();
    } finally {
      vi.useRealTimers();
    }
    await runner.shutdown();
  });
});
