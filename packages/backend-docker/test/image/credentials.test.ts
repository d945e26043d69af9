import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findLogin, registriesWithLogin } from '../../src/image/registry-credentials.js';

let root: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'companion-login-'));
  await mkdir(join(root, 'bin'));
  await mkdir(join(root, 'run/containers'), { recursive: true });
  env = {
    HOME: root,
    DOCKER_CONFIG: join(root, 'docker'),
    XDG_RUNTIME_DIR: join(root, 'run'),
    PATH: `${join(root, 'bin')}:${process.env.PATH}`,
  };
  await mkdir(join(root, 'docker'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function config(value: unknown, file = 'docker/config.json'): Promise<void> {
  await writeFile(join(root, file), typeof value === 'string' ? value : JSON.stringify(value));
}

async function helper(name: string, script: string): Promise<void> {
  const path = join(root, 'bin', `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

function find(
  registry: string,
  options: { kind?: 'docker' | 'podman'; path?: string; timeoutMs?: number; signal?: AbortSignal } = {},
) {
  return findLogin(
    { registry, path: options.path ?? 'team/tool' },
    {
      kind: options.kind ?? 'docker',
      env,
      signal: options.signal,
      ...(options.timeoutMs !== undefined && { helperTimeoutMs: options.timeoutMs }),
    },
  );
}

test('no file at all is no login and no problem', async () => {
  await rm(join(root, 'docker'), { recursive: true });
  expect(await find('r.example')).toEqual({ auth: undefined, origin: undefined, problems: [] });
});

test('a stored login is decoded; a password may have colons', async () => {
  await config({ auths: { 'r.example:5000': { auth: base64('me:a:b\0\0') } } });
  expect((await find('r.example:5000')).auth).toEqual({
    username: 'me',
    password: 'a:b',
    serveraddress: 'r.example:5000',
  });
  expect((await find('r.example')).auth).toBeUndefined();
});

test('identity and registry tokens are passed on as what they are', async () => {
  await config({ auths: { a: { auth: base64('me:'), identitytoken: 'i' }, b: { registrytoken: 'r' } } });
  expect((await find('a')).auth).toEqual({ identitytoken: 'i', serveraddress: 'a' });
  expect((await find('b')).auth).toEqual({ registrytoken: 'r', serveraddress: 'b' });
});

test.each(['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'https://docker.io'])(
  'Docker Hub is found under %s',
  async (key) => {
    await config({ auths: { [key]: { auth: base64('me:pw') } } });
    expect((await find('docker.io')).auth).toMatchObject({
      username: 'me',
      serveraddress: 'https://index.docker.io/v1/',
    });
  },
);

test('a key that is a URL stands for its host', async () => {
  await config({ auths: { 'https://r.example/v2/': { auth: base64('me:pw') } } });
  expect((await find('r.example')).auth).toMatchObject({ username: 'me' });
});

test("a registry's helper comes before the store, and both are asked in docker's way", async () => {
  await helper('one', `cat > ${root}/asked; echo '{"ServerURL":"x","Username":"one","Secret":"s1"}'`);
  await helper('all', `cat > ${root}/asked; echo '{"Username":"<token>","Secret":"s2"}'`);
  await config({ credsStore: 'all', credHelpers: { 'r.example': 'one' }, auths: { 'r.example': {} } });
  const own = await find('r.example');
  expect(own.auth).toEqual({ username: 'one', password: 's1', serveraddress: 'r.example' });
  expect(own.origin).toContain('docker-credential-one');
  expect(await readFile(join(root, 'asked'), 'utf8')).toBe('r.example\n');
  expect((await find('docker.io')).auth).toEqual({
    identitytoken: 's2',
    serveraddress: 'https://index.docker.io/v1/',
  });
  expect(await readFile(join(root, 'asked'), 'utf8')).toBe('https://index.docker.io/v1/\n');
});

test('a helper that knows no login is no problem, and what is in the file counts', async () => {
  await helper('all', 'echo "credentials not found in native keychain"; exit 1');
  await config({ credsStore: 'all' });
  expect(await find('r.example')).toEqual({ auth: undefined, origin: undefined, problems: [] });
  await config({ credsStore: 'all', auths: { 'r.example': { auth: base64('me:pw') } } });
  expect((await find('r.example')).auth).toMatchObject({ username: 'me' });
});

test('a helper that is missing, fails, or prints rubbish is named; what it printed is not', async () => {
  await config({ credHelpers: { a: 'none', b: 'bad', c: 'rubbish', d: '../../bin/sh' } });
  await helper('bad', 'echo s3cret; echo s3cret >&2; exit 3');
  await helper('rubbish', 'echo s3cret');
  expect((await find('a')).problems).toEqual(['docker-credential-none is not on the PATH']);
  expect((await find('b')).problems).toEqual(['docker-credential-bad failed with exit code 3']);
  expect((await find('c')).problems).toEqual([
    'docker-credential-rubbish answered with something that is no login',
  ]);
  expect((await find('d')).problems[0]).toMatch(/is no name of a program/);
});

test('a helper that hangs is ended together with what it runs', async () => {
  await helper('slow', `sleep 1000 & echo $! > ${root}/pid; wait`);
  await config({ credsStore: 'slow' });
  const { auth, problems } = await find('r.example', { timeoutMs: 2_000 });
  expect(auth).toBeUndefined();
  expect(problems).toEqual(['docker-credential-slow did not answer within 2 s']);
  const pid = Number(await readFile(join(root, 'pid'), 'utf8'));
  await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
});

test('aborting ends a helper and rejects with the reason', async () => {
  await helper('slow', `echo ready > ${root}/ready; exec sleep 1000`);
  await config({ credsStore: 'slow' });
  const controller = new AbortController();
  const reason = new Error('enough');
  const found = find('r.example', { signal: controller.signal });
  const rejected = expect(found).rejects.toBe(reason);
  await expect
    .poll(() => readFile(join(root, 'ready'), 'utf8').catch(() => ''), { timeout: 10_000 })
    .toBe('ready\n');
  controller.abort(reason);
  await rejected;
});

test('a helper that prints without end is ended', async () => {
  await helper('loud', 'exec yes');
  await config({ credsStore: 'loud' });
  expect((await find('r.example')).problems).toEqual([
    'docker-credential-loud answered with more than 1 MiB',
  ]);
});

test('a broken file is named without a word of what stands in it', async () => {
  await config('{"auths": {"r.example": s3cret');
  const { problems } = await find('r.example');
  expect(problems).toEqual([`${join(root, 'docker/config.json')} is not valid JSON`]);
  await config({ auths: { 'r.example': { auth: '!!!' }, b: 7 }, credHelpers: [], credsStore: 4 });
  expect((await find('r.example')).problems).toEqual([
    `the entry for r.example in ${join(root, 'docker/config.json')} is unreadable`,
  ]);
  expect((await find('b')).problems).toEqual([]);
});

test("Podman's own file comes first and may name a part of a registry; docker's is read after it", async () => {
  await config(
    { auths: { 'r.example': { auth: base64('all:1') }, 'r.example/team': { auth: base64('team:2') } } },
    'run/containers/auth.json',
  );
  await config({ auths: { 'r.example': { auth: base64('docker:3') }, other: { auth: base64('docker:4') } } });
  expect((await find('r.example', { kind: 'podman' })).auth).toMatchObject({ username: 'team' });
  expect((await find('r.example', { kind: 'podman', path: 'x' })).auth).toMatchObject({ username: 'all' });
  expect((await find('other', { kind: 'podman' })).auth).toMatchObject({ username: 'docker' });
  expect((await find('r.example')).auth).toMatchObject({ username: 'docker' });
  env.REGISTRY_AUTH_FILE = join(root, 'file');
  await config({ auths: { other: { auth: base64('file:5') } } }, 'file');
  expect((await find('other', { kind: 'podman' })).auth).toMatchObject({ username: 'file' });
});

test('DOCKER_AUTH_CONFIG holds logins itself', async () => {
  env.DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { 'r.example': { auth: base64('ci:job') } } });
  expect(await find('r.example')).toMatchObject({ auth: { username: 'ci' }, origin: 'DOCKER_AUTH_CONFIG' });
});

test('the registries with a login are told by the names that references use', async () => {
  await config({
    auths: { 'https://index.docker.io/v1/': {}, 'https://r.example/v2/': {}, 'a:5000': {} },
    credHelpers: { 'gcr.io': 'gcloud', 'a:5000': 'x' },
  });
  expect(await registriesWithLogin('docker', env)).toEqual(['docker.io', 'r.example', 'a:5000', 'gcr.io']);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
