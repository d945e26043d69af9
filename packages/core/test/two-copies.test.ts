import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fakeBackend } from './fake-backend.js';

type Core = typeof import('@companion/core');

const KEY = Symbol.for('@companion/core/backends/v1');
const shared = globalThis as unknown as Record<symbol, unknown>;
let before: unknown;

beforeEach(() => {
  before = shared[KEY];
  delete shared[KEY];
});

afterEach(() => {
  shared[KEY] = before;
});

/** A copy of core with all its modules, as a second version in node_modules would be. */
async function copy(): Promise<Core> {
  vi.resetModules();
  return await import('@companion/core');
}

it('two copies of core are two', async () => {
  const [one, other] = [await copy(), await copy()];
  expect(one.CompanionError).not.toBe(other.CompanionError);
});

it('a backend that one copy registered is a candidate in the other', async () => {
  const [one, other] = [await copy(), await copy()];
  const backend = fakeBackend();
  one.registerBackend(backend);
  expect(other.registeredBackends()).toEqual([backend]);
  const runner = await other.startCompanion({ sourceDir: import.meta.dirname, preferredBackend: 'fake' });
  expect(runner.backend).toBe('fake');
  await runner.shutdown();
});

it('each recognises the errors of the other, by code', async () => {
  const [one, other] = [await copy(), await copy()];
  const error = new one.CompanionError('COMPANION_COMMAND_NOT_FOUND', 'no such command');
  expect(error).not.toBeInstanceOf(other.CompanionError);
  expect(other.CompanionError.is(error)).toBe(true);
  expect(other.CompanionError.is(error, 'COMPANION_COMMAND_NOT_FOUND')).toBe(true);
  expect(other.CompanionError.is(error, 'COMPANION_WRONG_STATE')).toBe(false);
});

it("a backend's own copy of core may throw the errors that a companion passes on", async () => {
  const [one, other] = [await copy(), await copy()];
  const error = new one.CompanionError('COMPANION_COMMAND_NOT_FOUND', 'no such command');
  const backend = fakeBackend({ spawn: () => Promise.reject(error) });
  const options = { sourceDir: import.meta.dirname, backends: [backend], preferredBackend: 'fake' };
  const runner = await other.startCompanion(options);
  await expect(runner.run('tool')).rejects.toBe(error);
  await runner.shutdown();
});
