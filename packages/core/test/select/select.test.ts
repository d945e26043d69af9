import { getEventListeners } from 'node:events';
import {
  type CompanionError,
  type CompanionOptions,
  createCompanion,
  explainSelection,
} from '@companion/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../deferred.js';
import { type FakeBackend, type FakeBehaviour, fakeBackend } from '../fake-backend.js';

const sourceDir = import.meta.dirname;
const no = (reason: string, hint?: string) => () =>
  ({ available: false, reason, ...(hint === undefined ? {} : { hint }) }) as const;

const container = (behaviour: FakeBehaviour = {}): FakeBackend =>
  fakeBackend({
    name: 'container',
    priority: 300,
    ...behaviour,
    capabilities: { filesystem: 'bound', network: 'private', ...behaviour.capabilities },
  });
const shell = (behaviour: FakeBehaviour = {}): FakeBackend =>
  fakeBackend({ name: 'shell', priority: 200, ...behaviour });
const host = (behaviour: FakeBehaviour = {}): FakeBackend =>
  fakeBackend({
    name: 'host',
    priority: 100,
    ...behaviour,
    capabilities: { user: false, limits: false, networkNone: false, ...behaviour.capabilities },
  });

const choose = (backends: readonly FakeBackend[], options: CompanionOptions = {}) =>
  createCompanion({ sourceDir, backends, ...options });

async function refusal(
  backends: readonly FakeBackend[],
  options: CompanionOptions = {},
): Promise<CompanionError> {
  return await choose(backends, options).then(
    (runner) => expect.fail(`${runner.backend} was chosen`),
    (error: CompanionError) => error,
  );
}

beforeEach(() => vi.stubEnv('COMPANION_BACKEND', undefined));
afterEach(() => vi.unstubAllEnvs());

describe('automatic selection', () => {
  it('takes the highest priority that says yes', async () => {
    expect((await choose([host(), container(), shell()])).backend).toBe('container');
    expect((await choose([host(), container({ detect: no('no engine') }), shell()])).backend).toBe('shell');
  });

  it('starts no environment', async () => {
    const backend = host();
    const runner = await choose([backend]);
    expect(runner.state).toBe('created');
    expect(backend.calls).toEqual(['detect']);
  });

  it('asks all at once', async () => {
    const asked: string[] = [];
    const all = deferred();
    const detect = (name: string) => async () => {
      asked.push(name);
      if (asked.length === 3) all.resolve();
      await all.promise;
      return { available: true } as const;
    };
    await choose([
      container({ detect: detect('container') }),
      shell({ detect: detect('shell') }),
      host({ detect: detect('host') }),
    ]);
    expect(asked).toEqual(['container', 'shell', 'host']);
  });

  it('waits for a slow one above a quick one', async () => {
    const slow = deferred();
    const choosing = choose([
      container({ detect: () => slow.promise.then(() => ({ available: true })) }),
      host(),
    ]);
    await new Promise(setImmediate);
    slow.resolve();
    expect((await choosing).backend).toBe('container');
  });

  it('does not wait for slow ones below the winner, and tells them to stop', async () => {
    let told: AbortSignal | undefined;
    const slow = host({
      detect: (_request, { signal }) => {
        told = signal;
        return new Promise(() => {});
      },
    });
    const { backend, selection } = await choose([slow, container()]);
    expect(backend).toBe('container');
    expect(told?.aborted).toBe(true);
    expect(selection.candidates).toMatchObject([
      { backend: 'container', verdict: 'chosen' },
      { backend: 'host', verdict: 'outranked', reason: 'a higher one was chosen first' },
    ]);
  });

  it('counts a detect() that throws, rejects or talks nonsense as "no", with the reason', async () => {
    const { selection } = await choose([
      container({
        name: 'throws',
        detect: () => {
          throw new Error('socket is a directory');
        },
      }),
      container({ name: 'rejects', detect: () => Promise.reject(new Error('permission denied')) }),
      container({ name: 'mumbles', detect: () => 'yes' as never }),
      container({ name: 'hesitates', detect: () => ({ available: 'maybe' }) as never }),
      container({ name: 'sulks', detect: () => ({ available: false }) as never }),
      container({
        name: 'exaggerates',
        detect: () => ({ available: true, lowered: { tty: 'big' } }) as never,
      }),
      host(),
    ]);
    const reasons = Object.fromEntries(selection.candidates.map(({ backend, reason }) => [backend, reason]));
    expect(reasons.throws).toContain('socket is a directory');
    expect(reasons.rejects).toContain('permission denied');
    expect(reasons.mumbles).toContain('"yes"');
    expect(reasons.hesitates).toContain('"maybe"');
    expect(reasons.sulks).toContain('without a reason');
    expect(reasons.exaggerates).toContain('tty');
    expect(selection.backend).toBe('host');
  });

  it('says which one, why, and what became of the others', async () => {
    const { selection } = await choose([
      container({ detect: no('no engine answers', 'Start one.') }),
      shell({ detect: () => ({ available: true, detail: 'nix 2.30' }) }),
      host(),
    ]);
    expect(selection).toMatchObject({
      backend: 'shell',
      fellBack: false,
      reason: 'the ones before it cannot serve (container: no engine answers)',
      candidates: [
        {
          backend: 'container',
          priority: 300,
          verdict: 'unavailable',
          reason: 'no engine answers',
          hint: 'Start one.',
        },
        { backend: 'shell', priority: 200, verdict: 'chosen', detail: 'nix 2.30' },
        { backend: 'host', priority: 100 },
      ],
    });
    for (const { durationMs } of selection.candidates) expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(Object.isFrozen(selection)).toBe(true);
  });

  it('with nobody left is NO_BACKEND that lists every candidate with reason and hint', async () => {
    const cause = new Error('ENOENT /run/engine.sock');
    const error = await refusal([
      container({
        detect: () => ({ available: false, reason: 'no engine answers', hint: 'Start one.', cause }),
      }),
      shell({ detect: no('no flake.nix') }),
    ]);
    expect(error).toMatchObject({ code: 'COMPANION_NO_BACKEND', cause });
    expect(error.message).toContain('container: no engine answers. Start one.');
    expect(error.message).toContain('shell: no flake.nix');
  });

  it('with no candidate at all says how to get one', async () => {
    expect(await refusal([])).toMatchObject({ code: 'COMPANION_NO_BACKEND' });
  });

  it('passes a candidate over whose settings cannot even be put to it, and goes on', async () => {
    const outside = { workDir: { hostPath: '/' } };
    const both = [container({ name: 'one' }), container({ name: 'other' })];
    expect((await choose([...both, host()], outside)).backend).toBe('host');
    const error = await refusal(both, outside);
    expect(error.message).toContain('/');
    // A second candidate's rejection that nobody handles would end the program.
    await new Promise(setImmediate);
  });

  it('takes backendOptions of any shape: they are the backend’s business', async () => {
    const circular: { self?: unknown; big: bigint } = { big: 1n };
    circular.self = circular;
    const { backend } = await choose([host()], { backendOptions: { host: circular } as object });
    expect(backend).toBe('host');
  });
});

describe('aborting selection', () => {
  it('before it begins asks nobody', async () => {
    const backend = host();
    const options = { sourceDir, backends: [backend] };
    const signal = AbortSignal.abort(new Error('no more'));
    for (const call of [createCompanion(options, { signal }), explainSelection(options, { signal })]) {
      await expect(call).rejects.toMatchObject({ code: 'COMPANION_ABORTED', cause: signal.reason });
    }
    expect(backend.calls).toEqual([]);
  });

  it.each([
    ['createCompanion()', createCompanion],
    ['explainSelection()', explainSelection],
  ])('lets %s reject at once, whatever the backends do', async (_name, ask) => {
    const abort = new AbortController();
    const asked = deferred();
    const stuck = host({
      detect: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const asking = ask({ sourceDir, backends: [stuck] }, { signal: abort.signal });
    await asked.promise;
    abort.abort();
    await expect(asking).rejects.toMatchObject({ code: 'COMPANION_ABORTED' });
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    await createCompanion({ sourceDir, backends: [container(), host()] }, { signal });
    await explainSelection({ sourceDir, backends: [container(), host()] }, { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('requires', () => {
  it('leaves only candidates with one of the values', async () => {
    const backends = [container({ detect: no('no engine') }), shell(), host()];
    expect((await choose(backends, { requires: { limits: true, filesystem: 'shared' } })).backend).toBe(
      'shell',
    );
    expect(
      (await choose([container(), host()], { requires: { filesystem: ['copied', 'bound'] } })).backend,
    ).toBe('container');
  });

  it('fails closed, listing every candidate with its reason, and does not ask those that cannot have it', async () => {
    const [local, engine] = [host(), container({ detect: no('no engine answers') })];
    const error = await refusal([local, engine], { requires: { filesystem: ['bound', 'copied'] } });
    expect(error.code).toBe('COMPANION_NO_BACKEND');
    expect(error.message).toContain('container: no engine answers');
    expect(error.message).toContain('host: requires filesystem bound or copied, it has shared');
    expect(local.calls).toEqual([]);
  });

  it('holds for the backend that is named, too', async () => {
    const error = await refusal([host()], { preferredBackend: 'host', requires: { filesystem: 'bound' } });
    expect(error.code).toBe('COMPANION_NO_BACKEND');
    expect(error.message).toContain('requires filesystem bound');
  });

  it('is asked again of what a machine lowers', async () => {
    const lowered = { available: true, lowered: { limits: false } } as const;
    const backends = [container({ detect: () => lowered }), shell()];
    expect((await choose(backends, { requires: { limits: true } })).backend).toBe('shell');
    expect((await choose(backends, { limits: { cpus: 1 } })).backend).toBe('shell');
    const runner = await choose(backends);
    expect(runner.backend).toBe('container');
    expect(runner.capabilities.limits).toBe(false);
    expect(Object.isFrozen(runner.capabilities)).toBe(true);
  });

  it.each([
    [{ tty: false }, { tty: true }, 'its detect() raised tty to true'],
    [{ filesystem: 'copied' }, { filesystem: 'bound' }, 'its detect() raised filesystem to "bound"'],
    [{ network: 'private' }, { network: 'shared' }, 'its detect() raised network to "shared"'],
    [{ ownerDeath: 'survives' }, { ownerDeath: 'killed' }, 'its detect() raised ownerDeath to "killed"'],
  ] as const)(
    'is not taken from one that declares %j and finds %j',
    async (capabilities, lowered, reason) => {
      const raises = container({ capabilities, detect: () => ({ available: true, lowered }) });
      const [report] = await explainSelection({ sourceDir, backends: [raises] });
      expect(report).toMatchObject({ verdict: 'unavailable', reason });
      const same = container({ capabilities, detect: () => ({ available: true, lowered: capabilities }) });
      expect((await choose([same])).capabilities).toMatchObject(capabilities);
    },
  );

  it('waits for the answer of one that has more than is required and may find itself with less', async () => {
    const detect = () =>
      ({ available: true, lowered: { filesystem: 'copied', user: false, ownerDeath: 'survives' } }) as const;
    const requires = { filesystem: 'copied', user: false, ownerDeath: 'survives' } as const;
    expect((await choose([container({ detect })], { requires })).backend).toBe('container');
    const error = await refusal([container()], { requires });
    expect(error.message).toContain('container: requires filesystem copied, it has bound');
  });
});

describe('what a candidate cannot honour', () => {
  it.each<[string, CompanionOptions, RegExp]>([
    ['limits', { limits: { cpus: 1 } }, /cannot enforce limits/],
    ['network: none', { network: 'none' }, /cannot take the network away/],
    ['another user', { user: { uid: 4711, gid: 4712 } }, /uid 4711, gid 4712/],
    [
      'a read-only mount',
      { mounts: [{ hostPath: '.', companionPath: '/m', readOnly: true }] },
      /readOnly mount/,
    ],
    ['a strict mount', { mounts: [{ hostPath: '.', companionPath: '/m', strict: true }] }, /strict mount/],
  ])('puts it out: %s', async (_what, options, reason) => {
    const local = host();
    expect((await choose([local, container()], options)).backend).toBe('container');
    const unsupported = await refusal([local], { ...options, preferredBackend: 'host' });
    expect(unsupported).toMatchObject({ code: 'COMPANION_UNSUPPORTED', hint: expect.any(String) });
    expect(unsupported.message).toMatch(reason);
    expect(unsupported.message).toContain("'host', named by preferredBackend");
    const nobody = await refusal([local, host({ name: 'other' })], options);
    expect(nobody.code).toBe('COMPANION_NO_BACKEND');
    expect(nobody.message).toMatch(reason);
    expect(local.calls).toEqual([]);
  });

  it.skipIf(process.getuid === undefined)("does not include the caller's own user on the host", async () => {
    const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    expect((await choose([host()], { user })).backend).toBe('host');
  });
});

describe('fallback', () => {
  const image = 'node:24';

  it('lets a shared backend serve an image, and says so', async () => {
    const { selection } = await choose([container({ detect: no('no engine') }), host()], { image });
    expect(selection).toMatchObject({ backend: 'host', fellBack: true });
    expect(selection.reason).toBe('no container backend can serve the image (container: no engine)');
  });

  it('is none when a container backend serves, or no image was given', async () => {
    expect((await choose([container(), host()], { image })).selection.fellBack).toBe(false);
    expect((await choose([host()])).selection.fellBack).toBe(false);
  });

  it('is none when the backend was named: that is what was asked for', async () => {
    const { selection } = await choose([container(), host()], {
      image,
      preferredBackend: 'host',
      fallback: false,
    });
    expect(selection).toMatchObject({
      backend: 'host',
      fellBack: false,
      reason: 'named by preferredBackend',
    });
  });

  it('false makes it NO_BACKEND, with the reason of every candidate', async () => {
    const error = await refusal([container({ detect: no('no engine') }), host()], { image, fallback: false });
    expect(error.code).toBe('COMPANION_NO_BACKEND');
    expect(error.message).toContain('container: no engine');
    expect(error.message).toContain('fallback is false');
  });

  it('false without an image changes nothing', async () => {
    expect((await choose([host()], { fallback: false })).backend).toBe('host');
  });
});

describe('preferredBackend', () => {
  it('never falls back, and asks nobody else', async () => {
    const [engine, local] = [container({ detect: no('no engine answers', 'Start one.') }), host()];
    const error = await refusal([engine, local], { preferredBackend: 'container' });
    expect(error).toMatchObject({ code: 'COMPANION_NO_BACKEND', hint: 'Start one.' });
    expect(error.message).toMatch(/named by preferredBackend.*container: no engine answers/s);
    expect(local.calls).toEqual([]);
  });

  it('wins over COMPANION_BACKEND', async () => {
    vi.stubEnv('COMPANION_BACKEND', 'container');
    const { selection } = await choose([container(), host()], { preferredBackend: 'host' });
    expect(selection).toMatchObject({ backend: 'host', reason: 'named by preferredBackend' });
  });

  it('unknown, is an error that names what there is', async () => {
    const error = await refusal([container(), host()], { preferredBackend: 'docker' });
    expect(error.code).toBe('COMPANION_NO_BACKEND');
    expect(error.message).toMatch(/'docker'.*preferredBackend.*container, host/);
  });
});

describe('COMPANION_BACKEND', () => {
  it('is the same from outside, and is named where it decides', async () => {
    vi.stubEnv('COMPANION_BACKEND', 'host');
    const { selection } = await choose([container(), host()]);
    expect(selection).toMatchObject({ backend: 'host', reason: 'named by COMPANION_BACKEND' });
    const error = await refusal([container(), host({ detect: no('broken') })]);
    expect(error.message).toMatch(/named by COMPANION_BACKEND.*host: broken/s);
    vi.stubEnv('COMPANION_BACKEND', 'docker');
    expect((await refusal([container()])).message).toMatch(/'docker'.*COMPANION_BACKEND/);
  });

  it('empty is as good as unset', async () => {
    vi.stubEnv('COMPANION_BACKEND', '');
    expect((await choose([container(), host()])).backend).toBe('container');
  });
});

describe('explainSelection()', () => {
  it("gives every candidate's full answer, marks the one that would be chosen, and starts nothing", async () => {
    const slow = deferred();
    const backends = [
      host({ detect: () => slow.promise.then(() => ({ available: true, detail: 'Linux' })) }),
      container(),
      shell({ detect: no('no flake.nix', 'Add one.') }),
      fakeBackend({ name: 'other', priority: 1, capabilities: { tty: false } }),
    ];
    setImmediate(slow.resolve);
    const report = await explainSelection({ sourceDir, backends, requires: { tty: true } });
    expect(report).toMatchObject([
      { backend: 'container', verdict: 'chosen' },
      { backend: 'shell', verdict: 'unavailable', reason: 'no flake.nix', hint: 'Add one.' },
      { backend: 'host', verdict: 'available', detail: 'Linux' },
      { backend: 'other', verdict: 'unsuitable', reason: 'requires tty true, it has false', durationMs: 0 },
    ]);
    for (const backend of backends) expect(backend.environments).toEqual([]);
  });

  it('gives the capabilities of this machine', async () => {
    const backend = container({ detect: () => ({ available: true, lowered: { limits: false } }) });
    const [report] = await explainSelection({ sourceDir, backends: [backend] });
    expect(report?.capabilities).toEqual({ ...backend.capabilities, limits: false });
  });
});

it('ends with the mistake in the options of a candidate, and never with another backend', async () => {
  const mistake = new TypeError('backendOptions.container.size: expected a number');
  const strict = {
    ...container(),
    checkOptions: (options: unknown) => {
      if ((options as { size?: unknown }).size !== 1) throw mistake;
    },
  };
  const options = (container: object) => ({ backendOptions: { container } }) as CompanionOptions;
  await expect(choose([strict, host()], options({ size: 'large' }))).rejects.toBe(mistake);
  await expect(explainSelection({ sourceDir, backends: [strict, host()], ...options({}) })).rejects.toBe(
    mistake,
  );
  expect((await choose([strict, host()], options({ size: 1 }))).backend).toBe('container');
  expect((await choose([strict, host()])).backend).toBe('container');
});
