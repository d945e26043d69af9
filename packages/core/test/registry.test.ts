import { CompanionError, createCompanion, registerBackend, registeredBackends } from '@companion/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeBackend } from './fake-backend.js';

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

describe('the registry', () => {
  it('orders by priority, then name, never by import order', () => {
    for (const [name, priority] of [
      ['zebra', 100],
      ['local', 100],
      ['docker', 300],
      ['nix', 200],
      ['ant', 100],
    ] as const)
      registerBackend(fakeBackend({ name, priority }));
    expect(registeredBackends().map((backend) => backend.name)).toEqual([
      'docker',
      'nix',
      'ant',
      'local',
      'zebra',
    ]);
  });

  it('keeps the last of two registrations of one name', () => {
    const [first, second] = [fakeBackend(), fakeBackend()];
    registerBackend(first);
    registerBackend(second);
    expect(registeredBackends()).toEqual([second]);
  });

  it('cannot be changed through the list it gives', () => {
    registerBackend(fakeBackend());
    (registeredBackends() as unknown[]).pop();
    expect(registeredBackends()).toHaveLength(1);
  });

  it('is where createCompanion() finds candidates, unless `backends` says otherwise', async () => {
    const [registered, given] = [
      fakeBackend({ name: 'registered' }),
      fakeBackend({ name: 'given', priority: 1 }),
    ];
    registerBackend(registered);
    const options = { sourceDir: import.meta.dirname };
    expect((await createCompanion({ ...options, preferredBackend: 'registered' })).backend).toBe(
      'registered',
    );
    const other = await createCompanion({ ...options, backends: [given], preferredBackend: 'given' });
    expect(other.backend).toBe('given');
    expect(registered.calls).toEqual(['detect']);
  });
});

it('a backend that is not registered is an error that says what to import', async () => {
  registerBackend(fakeBackend({ name: 'local' }));
  const options = { sourceDir: import.meta.dirname, preferredBackend: 'docker' };
  const error = await createCompanion(options).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'COMPANION_NO_BACKEND',
    hint: expect.stringContaining("import '@companion/backend-docker'"),
  });
  expect((error as Error).message).toContain('registered: local');
});

describe('an object that is no backend', () => {
  const good = { ...fakeBackend() };
  const { tty: _tty, ...withoutTty } = good.capabilities;

  it.each<[string, unknown, string]>([
    ['null', null, 'a backend is an object, got null'],
    [
      'a module instead of its export',
      { default: good },
      'name is lower-case letters, digits and dashes, got undefined',
    ],
    ['a name in capitals', { ...good, name: 'Docker' }, 'got "Docker"'],
    [
      'another contract',
      { ...good, spec: 2 },
      "backend 'fake' implements version 2 of the contract, this core speaks version 1",
    ],
    [
      'no priority',
      { ...good, priority: undefined },
      "backend 'fake' needs a finite number as priority, got undefined",
    ],
    ['an infinite priority', { ...good, priority: Number.POSITIVE_INFINITY }, 'got Infinity'],
    ['no detect()', { ...good, detect: undefined }, "backend 'fake' has no method detect()"],
    ['no create()', { ...good, create: 'yes' }, "backend 'fake' has no method create()"],
    ['no capabilities', { ...good, capabilities: undefined }, "backend 'fake' declares no capabilities"],
    [
      'a capability left out',
      { ...good, capabilities: withoutTty },
      'declares capability tty as undefined, expected true or false',
    ],
    [
      'a capability of an impossible value',
      { ...good, capabilities: { ...good.capabilities, filesystem: 'private' } },
      'declares capability filesystem as "private", expected "shared" or "bound" or "copied"',
    ],
    [
      'an unknown capability',
      { ...good, capabilities: { ...good.capabilities, gpu: true } },
      'declares an unknown capability: gpu',
    ],
    [
      'an unknown capability with the name of an object method',
      { ...good, capabilities: { ...good.capabilities, toString: true } },
      'declares an unknown capability: toString',
    ],
  ])('is refused with INVALID_BACKEND: %s', async (_what, backend, message) => {
    const refusals = [
      () => registerBackend(backend as never),
      () => createCompanion({ sourceDir: import.meta.dirname, backends: [backend as never] }),
    ].map(async (call) => await call());
    for (const refusal of refusals) {
      const error = await refusal.catch((reason: unknown) => reason);
      expect(CompanionError.is(error, 'COMPANION_INVALID_BACKEND')).toBe(true);
      expect((error as Error).message).toContain(message);
    }
    expect(registeredBackends()).toEqual([]);
  });
});
