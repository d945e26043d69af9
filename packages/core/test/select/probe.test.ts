import { createCompanion, explainSelection } from '@companion/core';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FakeBackend, fakeBackend } from '../fake-backend.js';

const sourceDir = import.meta.dirname;

/** Its socket accepts and says nothing. */
function wedged(): FakeBackend {
  return fakeBackend({ name: 'wedged', priority: 300, detect: () => new Promise(() => {}) });
}

// What the first companion loads is read from the disk, which no fake clock can hurry.
beforeAll(() => explainSelection({ sourceDir, backends: [fakeBackend()], preferredBackend: 'fake' }));
beforeEach(() => {
  vi.stubEnv('COMPANION_BACKEND', undefined);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('a backend that does not answer', () => {
  it('is given up after 5 s, is told so, and the next one is taken', async () => {
    let signal: AbortSignal | undefined;
    const stuck = fakeBackend({
      name: 'stuck',
      priority: 300,
      detect: (_request, options) => {
        signal = options.signal;
        return new Promise(() => {});
      },
    });
    const choosing = createCompanion({ sourceDir, backends: [stuck, fakeBackend()] });
    await vi.advanceTimersByTimeAsync(4999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const { selection } = await choosing;
    expect(selection.backend).toBe('fake');
    expect(selection.candidates[0]).toMatchObject({
      verdict: 'unavailable',
      reason: 'it did not answer within 5 s',
      durationMs: 5000,
    });
    expect(signal?.aborted).toBe(true);
  });

  it('costs its 5 s once: for 10 s it is not asked again, then it is', async () => {
    const backend = wedged();
    const explain = () => explainSelection({ sourceDir, backends: [backend] });
    const first = explain();
    await vi.advanceTimersByTimeAsync(5000);
    await first;
    await vi.advanceTimersByTimeAsync(9999);
    expect(await explain()).toMatchObject([
      { verdict: 'unavailable', reason: expect.stringContaining('a moment ago'), hint: expect.any(String) },
    ]);
    expect(backend.calls).toEqual(['detect']);
    await vi.advanceTimersByTimeAsync(1);
    const again = explain();
    await vi.advanceTimersByTimeAsync(5000);
    await again;
    expect(backend.calls).toEqual(['detect', 'detect']);
  });

  it('is remembered per endpoint: with other options it is asked', async () => {
    const backend = wedged();
    const explain = (socket: string) =>
      explainSelection({ sourceDir, backends: [backend], backendOptions: { wedged: { socket } } as object });
    const first = explain('/one');
    await vi.advanceTimersByTimeAsync(5000);
    await first;
    const second = explain('/other');
    await vi.advanceTimersByTimeAsync(5000);
    await second;
    await explain('/one');
    expect(backend.calls).toEqual(['detect', 'detect']);
  });

  it('is not blamed for an answer that was no longer needed', async () => {
    const stuck = fakeBackend({ name: 'stuck', priority: 1, detect: () => new Promise(() => {}) });
    await createCompanion({ sourceDir, backends: [fakeBackend(), stuck] });
    const report = explainSelection({ sourceDir, backends: [stuck] });
    await vi.advanceTimersByTimeAsync(5000);
    await report;
    expect(stuck.calls).toEqual(['detect', 'detect']);
  });
});

it('a plain "no" is not remembered: it costs nothing to ask, and may have become a yes', async () => {
  let installed = false;
  const backend = fakeBackend({
    detect: () => (installed ? { available: true } : { available: false, reason: 'not installed' }),
  });
  expect(await explainSelection({ sourceDir, backends: [backend] })).toMatchObject([
    { verdict: 'unavailable' },
  ]);
  installed = true;
  expect(await explainSelection({ sourceDir, backends: [backend] })).toMatchObject([{ verdict: 'chosen' }]);
});

it('leaves no timer behind', async () => {
  await createCompanion({ sourceDir, backends: [wedged(), fakeBackend({ priority: 400 })] });
  await explainSelection({ sourceDir, backends: [fakeBackend()] });
  expect(vi.getTimerCount()).toBe(0);
});
