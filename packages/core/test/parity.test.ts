import { CompanionError, type CompanionOptions, verifyParity } from '@companion/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from './deferred.js';
import { type FakeBackend, type FakeBehaviour, fakeBackend } from './fake-backend.js';

/** What a tool says on stdout, or everything of it; one that is not there is not found. */
type Tools = Readonly<Record<string, string | { stdout?: string; stderr?: string; code?: number }>>;

function machine(name: string, priority: number, tools: Tools, behaviour: FakeBehaviour = {}): FakeBackend {
  return fakeBackend({
    name,
    priority,
    spawn: (fake) => {
      const tool = tools[fake.command.file];
      if (tool === undefined) throw new CompanionError('COMPANION_COMMAND_NOT_FOUND', 'command not found');
      const { stdout = '', stderr = '', code = 0 } = typeof tool === 'string' ? { stdout: tool } : tool;
      setImmediate(() => {
        fake.stdout.write(stdout);
        fake.stderr.write(stderr);
        fake.exit(code);
      });
    },
    ...behaviour,
  });
}

const docker = (tools: Tools, behaviour?: FakeBehaviour) => machine('docker', 300, tools, behaviour);
const nix = (tools: Tools, behaviour?: FakeBehaviour) => machine('nix', 200, tools, behaviour);
const local = (tools: Tools, behaviour?: FakeBehaviour) => machine('local', 100, tools, behaviour);
const on = (...backends: FakeBackend[]): CompanionOptions => ({ sourceDir: import.meta.dirname, backends });

const NODE = { node: ['node', '--version'] } as const;

afterEach(() => vi.unstubAllEnvs());

describe('verifyParity()', () => {
  it('is content where all backends say the same', async () => {
    const parity = await verifyParity(on(local({ node: 'v20\n' }), docker({ node: '  v20\r\n\n' })), NODE);
    expect(parity).toEqual({
      same: true,
      differences: [],
      backends: [
        expect.objectContaining({ backend: 'docker', state: 'compared' }),
        expect.objectContaining({ backend: 'local', state: 'compared' }),
      ],
      probes: {
        node: {
          same: true,
          variants: [{ says: 'v20', backends: ['docker', 'local'] }],
          answers: {
            docker: { version: 'v20', output: 'v20' },
            local: { version: 'v20', output: 'v20' },
          },
        },
      },
    });
  });

  it('says who says what, by priority', async () => {
    const parity = await verifyParity(
      on(local({ node: 'v22', npm: '10' }), nix({ node: 'v20' }), docker({ node: 'v20', npm: '10' })),
      { ...NODE, npm: ['npm', '--version'] },
    );
    expect(parity.same).toBe(false);
    expect(parity.differences).toEqual([
      'node: v20 in docker and nix; v22 in local',
      'npm: 10 in docker and local; not found in nix',
    ]);
    expect(parity.probes.npm.answers.nix).toMatchObject({
      version: undefined,
      reason: 'not found',
      error: { code: 'COMPANION_COMMAND_NOT_FOUND' },
    });
  });

  it.for([
    ['stdout alone', { stdout: 'v1\n', stderr: 'warning\n' }, 'v1'],
    ['stderr where stdout is blank', { stdout: ' \n', stderr: 'v1\n' }, 'v1'],
  ] as const)('reads %s', async ([, said, version]) => {
    const parity = await verifyParity(on(docker({ node: said }), local({ node: said })), NODE);
    expect(parity.probes.node.answers.docker).toEqual({ version, output: version });
  });

  it.for([
    [
      'another code than 0',
      { stderr: '\nno such option\nusage\n', code: 3 },
      'exited with code 3: no such option',
    ],
    ['nothing to say', {}, 'said nothing'],
  ] as const)('takes %s for no version, also where it is the same everywhere', async ([, said, reason]) => {
    const parity = await verifyParity(on(docker({ node: said }), local({ node: said })), NODE);
    expect(parity).toMatchObject({ same: false, differences: [`node: ${reason} in docker and local`] });
  });

  it('compares the whole answer, and shows the line that differs', async () => {
    const parity = await verifyParity(
      on(docker({ tool: 'The Tool\nversion 1\n(c)' }), local({ tool: 'The Tool\nversion 2\n(c)' })),
      { tool: ['tool'] },
    );
    expect(parity.differences).toEqual(['tool: version 1 in docker; version 2 in local']);
  });

  it('shows no more than a line that can be read', async () => {
    const parity = await verifyParity(on(docker({ tool: 'a'.repeat(999) }), local({ tool: 'b\na' })), {
      tool: ['tool'],
    });
    expect(parity.differences).toEqual([`tool: ${'a'.repeat(119)}… in docker; b in local`]);
  });

  it('shows several lines where none alone tells the answers apart', async () => {
    const parity = await verifyParity(
      on(docker({ tool: 'a\nc' }), nix({ tool: 'a\nd' }), local({ tool: 'b\nd' })),
      { tool: ['tool'] },
    );
    expect(parity.differences).toEqual(['tool: a / c in docker; a / d in nix; b / d in local']);
  });

  it('compares what a pattern finds, whatever its flags', async () => {
    const backends = on(docker({ cc: 'cc (Debian) 12.2.0' }), local({ cc: 'cc (GCC) 12.2.0' }));
    for (const pattern of [/\) (\d+)\./g, /\d+\.\d+/y, /\d+\.\d+/g]) {
      pattern.lastIndex = 3;
      const parity = await verifyParity(backends, { cc: { command: ['cc'], pattern } });
      expect(parity.same).toBe(true);
      expect(pattern.lastIndex).toBe(3);
    }
    const parity = await verifyParity(backends, { cc: { command: ['cc'], pattern: /\(Debian\) (\S+)/ } });
    expect(parity.probes.cc.answers.docker).toEqual({ version: '12.2.0', output: 'cc (Debian) 12.2.0' });
    expect(parity.differences).toEqual([
      'cc: 12.2.0 in docker; nothing like /\\(Debian\\) (\\S+)/ in what it said in local',
    ]);
  });

  it('a program that nobody has is no parity, unless it is optional', async () => {
    const backends = on(docker({ go: '1' }), local({}));
    const ndoe = { command: ['ndoe'] };
    expect((await verifyParity(backends, { ndoe })).differences).toEqual([
      'ndoe: not found in docker and local',
    ]);
    expect((await verifyParity(backends, { ndoe: { ...ndoe, optional: true } })).same).toBe(true);
    const some = await verifyParity(backends, { go: { command: ['go'], optional: true } });
    expect(some.differences).toEqual(['go: 1 in docker; not found in local']);
  });

  it('lists backends that are not available, and takes it for no difference unless they are required', async () => {
    const absent = nix({}, { detect: () => ({ available: false, reason: 'no flake', hint: 'Write one.' }) });
    const options = on(docker({ node: 'v20' }), absent, local({ node: 'v20' }));
    const parity = await verifyParity(options, NODE);
    expect(parity.same).toBe(true);
    expect(parity.backends[1]).toEqual({
      backend: 'nix',
      state: 'unavailable',
      reason: 'no flake',
      hint: 'Write one.',
      detail: undefined,
      error: undefined,
    });
    expect(absent.environments).toEqual([]);
    const required = await verifyParity(options, NODE, { required: ['docker', 'nix', 'ssh'] });
    expect(required.differences).toEqual([
      'nix is required, and not available: no flake',
      'ssh is required, and there is no such backend',
    ]);
  });

  it('is no parity with less than two backends', async () => {
    const alone = await verifyParity(on(local({ node: 'v20' })), NODE);
    expect(alone).toMatchObject({ same: false, differences: ['nothing to compare local with'] });
    const nobody = await verifyParity({ backends: [], sourceDir: import.meta.dirname }, NODE);
    expect(nobody).toMatchObject({ same: false, differences: ['no backend was compared'], backends: [] });
  });

  it('a backend whose environment does not start has failed; the others are compared', async () => {
    const broken = docker({}, { start: () => Promise.reject(new Error('no space left')) });
    const parity = await verifyParity(on(broken, nix({ node: 'v20' }), local({ node: 'v22' })), NODE);
    expect(parity.backends[0]).toMatchObject({ state: 'failed', error: { code: 'COMPANION_START_FAILED' } });
    expect(parity.differences).toEqual([
      expect.stringMatching(/^docker failed: .*no space left/),
      'node: v20 in nix; v22 in local',
    ]);
    expect(broken.calls).toContain('shutdown');
  });

  it('so has one that dies, and one that cannot be shut down', async () => {
    const dying: FakeBackend = docker(
      {},
      { spawn: () => dying.environments.at(-1)?.lost.resolve(new Error('the container was removed')) },
    );
    const stuck = nix(
      { node: 'v20' },
      { shutdown: () => Promise.reject(new Error('the disk is read-only')) },
    );
    const { backends } = await verifyParity(on(dying, stuck, local({ node: 'v20' })), NODE);
    expect(backends).toMatchObject([
      { backend: 'docker', state: 'failed', error: { code: 'COMPANION_ENVIRONMENT_LOST' } },
      { backend: 'nix', state: 'failed', error: { code: 'COMPANION_SHUTDOWN_FAILED' } },
      { backend: 'local', state: 'compared' },
    ]);
  });

  it('ends a probe that hangs', async () => {
    const hanging = docker({}, { spawn: () => {} });
    const { differences } = await verifyParity(on(hanging, local({ node: 'v20' })), NODE, { timeoutMs: 20 });
    expect(differences).toEqual(['node: did not end within 20 ms in docker; v20 in local']);
    expect(hanging.calls.at(-1)).toBe('shutdown');
  });

  it('asks all backends at once', async () => {
    const both = deferred<undefined>();
    let starts = 0;
    const start = () => {
      starts += 1;
      if (starts === 2) both.resolve(undefined);
      return both.promise;
    };
    const parity = await verifyParity(
      on(docker({ node: '1' }, { start }), local({ node: '1' }, { start })),
      NODE,
    );
    expect(parity.same).toBe(true);
  });

  it('gives the tools one language', async () => {
    const backend = docker({ node: '1' });
    await verifyParity({ ...on(backend), env: { LC_ALL: 'de_DE.UTF-8', A: 'b' } }, NODE);
    expect(backend.environments[0]?.processes[0]?.command.env).toMatchObject({ LC_ALL: 'C', A: 'b' });
  });

  it('hides no backend, and makes idle environments of its own, whatever the options say', async () => {
    vi.stubEnv('COMPANION_BACKEND', 'docker');
    const backends = [docker({ node: '1' }), local({ node: '1' })];
    const parity = await verifyParity(
      {
        ...on(...backends),
        preferredBackend: 'docker',
        ports: [{ companionPort: 4711, hostPort: 4711 }],
        pause: false,
        command: ['serve'],
        reuse: true,
      },
      NODE,
    );
    expect(parity.same).toBe(true);
    for (const { environments, calls } of backends) {
      expect(environments[0]?.request).toMatchObject({
        name: 'parity',
        ports: [],
        main: undefined,
        reuse: false,
      });
      expect(calls.at(-1)).toBe('shutdown');
    }
  });

  it('leaves this machine out where the image must be used', async () => {
    const container = docker({ node: '1' }, { capabilities: { filesystem: 'bound' } });
    const options = { ...on(container, local({ node: '2' })), image: 'node:24', fallback: false };
    const { backends, differences } = await verifyParity(options, NODE);
    expect(backends[1]).toMatchObject({
      state: 'unavailable',
      reason: expect.stringContaining('fallback is false'),
    });
    expect(differences).toEqual(['nothing to compare docker with']);
  });

  it('aborted, it rejects once all environments are gone', async () => {
    const abort = new AbortController();
    const hanging = docker({}, { spawn: () => abort.abort('enough') });
    const starting = local(
      {},
      { start: ({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', reject)) },
    );
    const error = await verifyParity(on(hanging, starting), NODE, { signal: abort.signal }).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({
      code: 'COMPANION_ABORTED',
      message: 'verifyParity() was aborted',
      cause: 'enough',
    });
    for (const { calls } of [hanging, starting]) expect(calls.at(-1)).toBe('shutdown');
    expect(hanging.environments[0]?.processes[0]?.kills).not.toEqual([]);
    const again = verifyParity(on(hanging), NODE, { signal: abort.signal });
    await expect(again).rejects.toMatchObject({ code: 'COMPANION_ABORTED' });
    expect(hanging.environments).toHaveLength(1);
  });

  it('aborted while backends are still being looked for, it starts nothing', async () => {
    const abort = new AbortController();
    const detect = () => new Promise<never>(() => abort.abort());
    const silent = docker({}, { detect });
    await expect(verifyParity(on(silent), NODE, { signal: abort.signal })).rejects.toMatchObject({
      code: 'COMPANION_ABORTED',
      message: 'verifyParity() was aborted',
    });
    expect(silent.environments).toEqual([]);
  });

  it('an abort that leaves something says so', async () => {
    const abort = new AbortController();
    const stuck = docker(
      {},
      { spawn: () => abort.abort(), shutdown: () => Promise.reject(new Error('the disk is read-only')) },
    );
    await expect(verifyParity(on(stuck), NODE, { signal: abort.signal })).rejects.toMatchObject({
      code: 'COMPANION_ABORTED',
      message: expect.stringContaining('cleaning up failed'),
      cause: { code: 'COMPANION_SHUTDOWN_FAILED' },
    });
  });

  it.for([
    [{}, 'probes: expected at least one'],
    [[], 'probes: expected an object'],
    [{ node: 'node --version' }, 'probes.node: expected an object'],
    [{ node: [] }, 'probes.node[0]: expected a string that is not empty'],
    [{ node: ['node', 1] }, 'probes.node: expected strings without zero bytes, got a number'],
    [{ node: { command: ['node'], pattern: '1' } }, 'probes.node.pattern: expected a regular expression'],
    [{ node: { command: ['node'], patern: /1/ } }, 'probes.node: expected only command, pattern, optional'],
  ] as const)('%j is a mistake', async ([probes, message]) => {
    await expect(verifyParity(on(docker({})), probes as never)).rejects.toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining(message),
    });
  });

  it('mistakes in the options start nothing', async () => {
    const backend = docker({});
    const settings = { timeOutMs: 1 } as never;
    await expect(verifyParity(on(backend), NODE, settings)).rejects.toThrow(
      'expected only signal, timeoutMs, required',
    );
    await expect(verifyParity({ ...on(backend), workdir: '/' } as never, NODE)).rejects.toThrow(TypeError);
    await expect(verifyParity(on(backend, backend), NODE)).rejects.toThrow('different names');
    await expect(verifyParity({ backends: [null] } as never, NODE)).rejects.toMatchObject({
      code: 'COMPANION_INVALID_BACKEND',
    });
    expect(backend.environments).toEqual([]);
  });
});
