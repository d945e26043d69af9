import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompanionOptions } from '@companion/core';
import { createCompanion } from '@companion/core';
import type { EnvironmentRequest } from '@companion/core/backend';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fakeBackend } from './fake-backend.js';

const here = import.meta.dirname;

/** What the backend is asked for these options. */
async function requestFor(options: CompanionOptions): Promise<EnvironmentRequest> {
  let request: EnvironmentRequest | undefined;
  const backend = fakeBackend({
    capabilities: { filesystem: 'bound', network: 'private' },
    detect: (asked) => {
      request = asked;
      return { available: true };
    },
  });
  await createCompanion({ sourceDir: here, backends: [backend], preferredBackend: 'fake', ...options });
  return request!;
}

function refused(options: unknown): Promise<unknown> {
  return requestFor(options as CompanionOptions).then(
    () => 'accepted',
    (error: unknown) => error,
  );
}

describe('good options', () => {
  it('have defaults', async () => {
    expect(await requestFor({})).toMatchObject({
      name: 'companion',
      sourceDir: here,
      workspaceDir: '/workspace',
      workDir: '/workspace',
      image: undefined,
      mounts: [],
      ports: [],
      env: {},
      user: 'host',
      limits: undefined,
      network: 'default',
      main: undefined,
      reuse: false,
      backendOptions: undefined,
    });
  });

  it.each<[string, CompanionOptions, Partial<EnvironmentRequest>]>([
    ['name', { name: 'lsp-ts_2.0' }, { name: 'lsp-ts_2.0' }],
    ['sourceDir, relative to the current directory', { sourceDir: '.' }, { sourceDir: process.cwd() }],
    ['workspaceDir', { workspaceDir: '/src//a/../b/' }, { workspaceDir: '/src/b', workDir: '/src/b' }],
    ['workspaceDir: host', { workspaceDir: 'host' }, { workspaceDir: here, workDir: here }],
    [
      'image',
      { image: 'node:24' },
      { image: { reference: 'node:24', platform: undefined, pull: 'missing' } },
    ],
    [
      'image with platform and pull',
      { image: { reference: 'node@sha256:ab', platform: 'linux/arm64', pull: 'never' } },
      { image: { reference: 'node@sha256:ab', platform: 'linux/arm64', pull: 'never' } },
    ],
    [
      'image to build, its context relative to sourceDir',
      { image: { build: { context: 'images', args: { A: '1' } } } },
      {
        image: {
          build: {
            context: join(here, 'images'),
            dockerfile: undefined,
            target: undefined,
            args: { A: '1' },
          },
        },
      },
    ],
    [
      'mounts, relative to sourceDir and by default at their own path',
      { mounts: ['process', { hostPath: '.', companionPath: '/m/', readOnly: true, strict: true }] },
      {
        mounts: [
          {
            hostPath: join(here, 'process'),
            companionPath: join(here, 'process'),
            readOnly: false,
            strict: false,
          },
          { hostPath: here, companionPath: '/m', readOnly: true, strict: true },
        ],
      },
    ],
    [
      'ports',
      { ports: [80, { companionPort: 81, hostPort: 8081 }, { name: 'any' }] },
      {
        ports: [
          { companionPort: 80, hostPort: undefined, name: undefined },
          { companionPort: 81, hostPort: 8081, name: undefined },
          { companionPort: 0, hostPort: undefined, name: 'any' },
        ],
      },
    ],
    [
      'env, without what it removes',
      { env: { A: '', B: 'x=y', C: undefined } },
      { env: { A: '', B: 'x=y' } },
    ],
    ['workDir', { workDir: 'packages' }, { workDir: '/workspace/packages' }],
    ['workDir on the host', { workDir: { hostPath: 'process' } }, { workDir: '/workspace/process' }],
    ['user', { user: { uid: 0, gid: 4711 } }, { user: { uid: 0, gid: 4711 } }],
    [
      'pause: false',
      { pause: false, entrypoint: [], command: ['serve', ''] },
      { main: { entrypoint: [], command: ['serve', ''] } },
    ],
    [
      'limits',
      { limits: { memoryBytes: 1, cpus: 0.5 } },
      { limits: { memoryBytes: 1, cpus: 0.5, processes: undefined } },
    ],
    ['network', { network: 'none' }, { network: 'none' }],
    [
      'backendOptions of the backend',
      { backendOptions: { fake: { a: 1 }, other: 2 } as object },
      { backendOptions: { a: 1 } },
    ],
  ])('%s', async (_what, options, expected) => {
    expect(await requestFor(options)).toMatchObject(expected);
  });

  it('reuse gives a fingerprint', async () => {
    expect((await requestFor({ reuse: true })).reuse).toEqual({
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

describe('hostEnv', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('decides what a shared backend may take from this process', async () => {
    vi.stubEnv('COMPANION_TEST_TOKEN', 'secret');
    vi.stubEnv('PATH', '/bin');
    expect((await requestFor({})).hostEnv).toMatchObject({ COMPANION_TEST_TOKEN: 'secret', PATH: '/bin' });
    const minimal = (await requestFor({ hostEnv: 'minimal' })).hostEnv;
    expect(minimal).toHaveProperty('PATH', '/bin');
    expect(minimal).not.toHaveProperty('COMPANION_TEST_TOKEN');
    const named = (await requestFor({ hostEnv: ['COMPANION_TEST_TOKEN'] })).hostEnv;
    expect(named).toMatchObject({ COMPANION_TEST_TOKEN: 'secret', PATH: '/bin' });
  });
});

describe('a bad option is a TypeError that names it, what was expected and what came', () => {
  it.each<[unknown, string, string]>([
    [{ nmae: 'x' }, 'options', '"nmae"'],
    [{ name: '' }, 'name', '""'],
    [{ name: 'Upper' }, 'name', '"Upper"'],
    [{ name: 'a'.repeat(41) }, 'name', 'aaa'],
    [{ name: 5 }, 'name', '5'],
    [{ sourceDir: '/does/not/exist' }, 'sourceDir', '"/does/not/exist"'],
    [{ sourceDir: import.meta.filename }, 'sourceDir', 'settings.test.ts'],
    [{ sourceDir: '' }, 'sourceDir', '""'],
    [{ workspaceDir: 'relative' }, 'workspaceDir', '"relative"'],
    [{ workspaceDir: 1 }, 'workspaceDir', '1'],
    [{ image: 'two words' }, 'image', '"two words"'],
    [{ image: {} }, 'image', 'undefined'],
    [{ image: { reference: 'a', tag: 'b' } }, 'image', '"tag"'],
    [{ image: { reference: 'a', pull: 'sometimes' } }, 'image.pull', '"sometimes"'],
    [{ image: { reference: 'a', platform: 1 } }, 'image.platform', '1'],
    [{ image: { build: {} } }, 'image.build.context', 'undefined'],
    [{ image: { build: { context: '.' }, reference: 'a' } }, 'image', '"reference"'],
    [{ image: { build: { context: '.', args: { A: 1 } } } }, 'image.build.args.A', 'number'],
    [{ preferredBackend: '' }, 'preferredBackend', '""'],
    [{ fallback: 'no' }, 'fallback', '"no"'],
    [{ backends: {} }, 'backends', 'an object'],
    [{ backends: [fakeBackend(), fakeBackend()] }, 'backends', 'fake twice'],
    [{ requires: [] }, 'requires', 'an empty array'],
    [{ requires: { filesystm: 'bound' } }, 'requires', '"filesystm"'],
    [{ requires: { toString: true } }, 'requires', '"toString"'],
    [{ requires: { filesystem: 'mine' } }, 'requires.filesystem', '"mine"'],
    [{ requires: { filesystem: [] } }, 'requires.filesystem', 'an empty array'],
    [{ requires: { tty: 'yes' } }, 'requires.tty', '"yes"'],
    [{ mounts: '/tmp' }, 'mounts', '"/tmp"'],
    [{ mounts: ['/does/not/exist'] }, 'mount hostPath', '"/does/not/exist"'],
    [{ mounts: [{ hostPath: '.', path: '/x' }] }, 'mount', '"path"'],
    [{ mounts: [{ hostPath: '.', companionPath: 'x' }] }, 'mount companionPath', '"x"'],
    [{ mounts: [{ hostPath: '.', companionPath: '/x', readOnly: 1 }] }, 'mount readOnly', '1'],
    [
      { mounts: [{ hostPath: '.', companionPath: '/workspace/' }] },
      'mount companionPath',
      '/workspace twice',
    ],
    [{ ports: 80 }, 'ports', '80'],
    [{ ports: [0] }, 'companionPort', '0'],
    [{ ports: [65_536] }, 'companionPort', '65536'],
    [{ ports: [1.5] }, 'companionPort', '1.5'],
    [{ ports: ['80'] }, 'port', '"80"'],
    [{ ports: [{ hostPort: -1 }] }, 'hostPort', '-1'],
    [{ ports: [{ port: 80 }] }, 'port', '"port"'],
    [{ ports: [80, 80] }, 'companionPort', '80'],
    [{ ports: [{ hostPort: 80 }, { hostPort: 80 }] }, 'hostPort', '80'],
    [{ ports: [{ name: 'a' }, { name: 'a' }] }, 'port name', 'a twice'],
    [{ env: { A: 1 } }, 'env.A', 'number'],
    [{ env: { '': 'x' } }, 'env', '""'],
    [{ env: 1 }, 'env', 'number'],
    [{ hostEnv: 'all' }, 'hostEnv', '"all"'],
    [{ hostEnv: [1] }, 'hostEnv', '1'],
    [{ workDir: '' }, 'workDir', '""'],
    [{ workDir: { hostPath: 'a', companionPath: 'b' } }, 'workDir', '"companionPath"'],
    [{ user: 'root' }, 'user', '"root"'],
    [{ user: { uid: 0 } }, 'user.gid', 'undefined'],
    [{ user: { uid: -1, gid: 0 } }, 'user.uid', '-1'],
    [{ user: { uid: 0, gid: 0, name: 'a' } }, 'user', '"name"'],
    [{ pause: 'no' }, 'pause', '"no"'],
    [{ command: ['a'] }, 'pause', 'true'],
    [{ pause: true, entrypoint: ['a'] }, 'pause', 'true'],
    [{ pause: false, command: 5 }, 'command', 'number'],
    [{ limits: 5 }, 'limits', '5'],
    [{ limits: { memory: 5 } }, 'limits', '"memory"'],
    [{ limits: { memoryBytes: 0.5 } }, 'limits.memoryBytes', '0.5'],
    [{ limits: { cpus: 0 } }, 'limits.cpus', '0'],
    [{ limits: { cpus: Number.NaN } }, 'limits.cpus', 'NaN'],
    [{ limits: { processes: -1 } }, 'limits.processes', '-1'],
    [{ network: 'host' }, 'network', '"host"'],
    [{ reuse: 'yes' }, 'reuse', '"yes"'],
    [{ backendOptions: [] }, 'backendOptions', 'an empty array'],
    [{ onEvent: 'log' }, 'onEvent', '"log"'],
    [null, 'options', 'null'],
  ])('%j', async (options, name, got) => {
    const error =
      options === null
        ? await createCompanion(null as never).catch((reason: unknown) => reason)
        : await refused(options);
    expect(error).toBeInstanceOf(TypeError);
    const { message } = error as TypeError;
    expect(message.startsWith(`${name}: expected `)).toBe(true);
    expect(message).toContain(', got ');
    expect(message).toContain(got);
  });

  it.each([
    ['an unset sourceDir in the home directory', homedir()],
    ['an unset sourceDir in the root directory', '/'],
  ])('%s', async (_what, directory) => {
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(directory);
    try {
      const error = await createCompanion({ backends: [fakeBackend()] }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as TypeError).message).toMatch(/^sourceDir: expected/);
    } finally {
      cwd.mockRestore();
    }
  });
});

describe('what may be a secret', () => {
  const secret = 'hunter2';

  it.each<[string, unknown]>([
    ['a value with a zero byte', { env: { TOKEN: `${secret}\0` } }],
    ['values that are not strings', { env: { TOKEN: [secret] } }],
    ['variables as text', { env: `TOKEN=${secret}` }],
    ['a command as text', { pause: false, command: `serve --token ${secret}` }],
    ['a word that is not a string', { pause: false, command: ['serve', { token: secret }] }],
    ['a word with a zero byte', { pause: false, entrypoint: [`${secret}\0`] }],
    ['build arguments', { image: { build: { context: '.', args: { TOKEN: [secret] } } } }],
    ['build arguments as text', { image: { build: { context: '.', args: `TOKEN=${secret}` } } }],
  ])('is not shown by the message about %s', async (_what, options) => {
    const error = await refused(options);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).not.toContain(secret);
  });

  it('is not shown by the messages about processes either', async () => {
    const runner = await createCompanion({
      sourceDir: tmpdir(),
      backends: [fakeBackend()],
      preferredBackend: 'fake',
    });
    const calls = [
      () => runner.newProcess('tool', `${secret}\0`),
      () => runner.newProcess('tool').withEnv({ TOKEN: `${secret}\0` }),
      () => runner.newProcess('tool').withEnv(`TOKEN=${secret}` as never),
      () => runner.newProcess('tool').withEnvAppend('TOKEN', `${secret}\0`),
      () => runner.run('tool', `--token ${secret}` as never),
      () => runner.spawn('tool', [`${secret}\0`]),
    ].map(async (call) => await call());
    for (const call of calls) {
      const failure = await call.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TypeError);
      expect((failure as TypeError).message).not.toContain(secret);
    }
  });
});
