import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEngine } from '../../src/engine/find-engine.js';
import type { EngineAnswer, NoEngine, ProbeOptions } from '../../src/engine/probe.js';
import { engineOf, httpPeer, listening, onwardTo, rudePeer, silentPeer } from './peer.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'companion-find-'));
});
afterAll(() => rm(directory, { recursive: true }));

let count = 0;
function socketPath(): string {
  count += 1;
  return join(directory, `${count}.sock`);
}

/** Asks the one place, with the variables of nobody. */
async function none(host: string, options: ProbeOptions = {}): Promise<NoEngine> {
  const answer = await findEngine({ host }, { env: {}, ...options });
  if (answer.available) throw new Error(`an engine answers at ${host}`);
  // One sentence, with the endpoint and where that came from, and what to do.
  expect(answer.reason).toContain(host);
  expect(answer.reason).toContain('(backendOptions.docker.host)');
  expect(answer.reason).not.toMatch(/[.\n]$/);
  expect(answer.hint).toMatch(/^[A-Z].*\.$/);
  return answer;
}

async function found(host: string, options: ProbeOptions = {}): Promise<EngineAnswer> {
  const answer = await findEngine({ host }, { env: {}, ...options });
  if (!answer.available) throw new Error(answer.reason);
  return answer;
}

const docker29 = {
  'Api-Version': '1.52',
  Server: 'Docker/29.0.0 (linux)',
  Ostype: 'linux',
  'Builder-Version': '2',
};

describe('a place without an engine', () => {
  it('says that it does not exist', async () => {
    expect((await none(`unix://${directory}/absent.sock`)).reason).toMatch(/ does not exist$/);
  });

  it('says that a socket is stale', async () => {
    const path = socketPath();
    const server = createServer().listen(path);
    await once(server, 'listening');
    // Closing would remove the file: as after a SIGKILL, it stays, under its other name.
    await rename(path, `${path}.kept`);
    await new Promise((resolve) => server.close(resolve));
    await rename(`${path}.kept`, path);
    expect((await none(`unix://${path}`)).reason).toContain('a socket on which nobody listens');
  });

  it('says that a file is no socket', async () => {
    const path = join(directory, 'file');
    await writeFile(path, '');
    // Linux says of a file what it says of a stale socket.
    expect((await none(`unix://${path}`)).reason).toMatch(/nobody listens|is no socket/);
    expect((await none(`unix://${path}/below`)).reason).toContain('is no socket');
  });

  it('says that this user may not use it', async () => {
    const closed = join(directory, 'closed');
    await mkdir(closed);
    const path = join(closed, 'docker.sock');
    await using _peer = await httpPeer(path, engineOf(docker29));
    await chmod(path, 0);
    const isRoot = process.geteuid?.() === 0;
    await chmod(directory, 0o755);
    // Root may use everything.
    if (isRoot) process.seteuid?.(65_534);
    try {
      const { reason, hint } = await none(`unix://${path}`);
      expect(reason).toContain('may not be used by this user');
      expect(hint).toContain('usermod -aG docker');
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it('says that nobody answers in time, once: for 10 s it costs nothing then', async () => {
    const path = socketPath();
    await using peer = await silentPeer(path);
    const startedAt = performance.now();
    expect((await none(`unix://${path}`)).reason).toMatch(/ does not answer within 2 s$/);
    const again = performance.now();
    expect(again - startedAt).toBeGreaterThan(1900);
    expect(again - startedAt).toBeLessThan(4500);
    expect((await none(`unix://${path}`)).reason).toContain('a moment ago');
    expect(performance.now() - again).toBeLessThan(500);
    expect(peer.made()).toBe(1);
  });

  it('stops when asked to, and hangs up', async () => {
    const path = socketPath();
    await using peer = await silentPeer(path);
    const abort = new AbortController();
    const asked = findEngine({ host: path }, { env: {}, signal: abort.signal });
    while (peer.made() === 0) await new Promise(setImmediate);
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toMatchObject({ code: 'COMPANION_ABORTED', cause: { message: 'enough' } });
    while (peer.open() > 0) await new Promise(setImmediate);
    await expect(findEngine({ host: path }, { env: {}, signal: abort.signal })).rejects.toMatchObject({
      code: 'COMPANION_ABORTED',
    });
  });

  it('says that a peer hangs up, or speaks something else', async () => {
    const rude = socketPath();
    await using _rude = await rudePeer(rude);
    expect((await none(`unix://${rude}`)).reason).toContain('hangs up');
    const other = socketPath();
    await using _other = await httpPeer(other, (_request, response) => void response.end('hello'));
    expect((await none(`unix://${other}`)).reason).toContain('not like a container engine (HTTP 200)');
    const guarded = socketPath();
    await using _guarded = await httpPeer(guarded, (_request, response) => {
      response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n');
    });
    expect((await none(`unix://${guarded}`)).reason).toContain('wants TLS');
  });

  it('says that a port is closed, and that a name is not known', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    expect((await none(`tcp://127.0.0.1:${port}`)).reason).toContain('refuses connections');
    const { reason } = await none('tcp://no-such-host.invalid:2375');
    expect(reason).toMatch(/names a host that is not known|cannot be reached|does not answer/);
  });
});

describe('the version of the API', () => {
  const versionOf = async (
    headers: Record<string, string>,
    version: object = {},
    env: NodeJS.ProcessEnv = {},
  ) => {
    const path = socketPath();
    await using peer = await httpPeer(path, engineOf(headers, { '/version': version }));
    const answer = await findEngine({ host: path }, { env });
    return { version: answer.available ? answer.apiVersion : answer.reason, connections: peer.made() };
  };

  it("is the engine's where that is older", async () => {
    expect((await versionOf({ 'Api-Version': '1.41' })).version).toBe('1.41');
    expect((await versionOf({ 'Api-Version': '1.40' })).version).toBe('1.40');
  });

  it('is 1.44 where the engine is newer and takes that, as Docker 29 does', async () => {
    expect((await versionOf(docker29, { MinAPIVersion: '1.44' })).version).toBe('1.44');
  });

  it("is the engine's minimum where that has moved on", async () => {
    expect((await versionOf({ 'Api-Version': '1.70' }, { MinAPIVersion: '1.60' })).version).toBe('1.60');
  });

  it('is refused where the engine is too old', async () => {
    expect((await versionOf({ 'Api-Version': '1.39' })).version).toContain(
      "1.39 of the engine's API, which is too old",
    );
    expect((await versionOf({ 'Api-Version': '1.9' })).version).toContain('too old');
  });

  it('is that of DOCKER_API_VERSION where it is set', async () => {
    expect((await versionOf(docker29, {}, { DOCKER_API_VERSION: '1.47' })).version).toBe('1.47');
    expect((await versionOf(docker29, {}, { DOCKER_API_VERSION: '1.30' })).version).toContain('too old');
  });
});

describe('an engine', () => {
  it('says what it is in the headers of one answer', async () => {
    const path = socketPath();
    await using _peer = await httpPeer(path, engineOf({ ...docker29, 'Api-Version': '1.44' }));
    expect(await found(path)).toMatchObject({
      kind: 'docker',
      version: '29.0.0',
      builderVersion: '2',
      passedOver: [],
      endpoint: { address: `unix://${path}`, origin: 'backendOptions.docker.host' },
    });
  });

  it('is recognised behind a proxy that puts its own name into the answer', async () => {
    const path = socketPath();
    const headers = { Server: 'nginx', 'Api-Version': '1.41', 'Libpod-Api-Version': '5.0.0' };
    await using _peer = await httpPeer(path, engineOf(headers, { '/version': { Version: '5.0.1' } }));
    expect(await found(path)).toMatchObject({ kind: 'podman', version: '5.0.1' });
  });

  it('with Windows containers is none that serves', async () => {
    const path = socketPath();
    await using _peer = await httpPeer(path, engineOf({ 'Api-Version': '1.44', Ostype: 'windows' }));
    const { reason, hint } = await none(`unix://${path}`);
    expect(reason).toContain('runs Windows containers');
    expect(hint).toContain('Linux containers');
  });

  it('that is reached by a port is of another machine unless name, kernel and memory are those of this one', async () => {
    const server = socketPath();
    await using _peer = await httpPeer(
      server,
      engineOf(docker29, {
        '/info': {
          Name: 'elsewhere',
          Architecture: 'aarch64',
          SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'],
          CgroupVersion: '1',
        },
      }),
    );
    await using tunnel = await listening(createServer(onwardTo(server)));
    expect(await found(`tcp://127.0.0.1:${tunnel.port}`)).toMatchObject({
      arch: 'arm64',
      rootless: true,
      filesystemIsShared: false,
      unenforced: ['memoryBytes', 'cpus', 'processes'],
    });
  });

  it.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
    'whose socket belongs to another user than root is asked whether it is rootless (as root, on Linux)',
    async () => {
      const path = socketPath();
      const info = { Architecture: 'x86_64', SecurityOptions: ['name=seccomp,profile=builtin'] };
      await using _peer = await httpPeer(path, engineOf(docker29, { '/info': info }));
      await chown(path, 65_534, 65_534);
      expect(await found(path)).toMatchObject({ arch: 'amd64', rootless: false });
      const rootless = socketPath();
      const security = { ...info, SecurityOptions: ['name=rootless'], MemoryLimit: true, PidsLimit: false };
      await using _rootless = await httpPeer(rootless, engineOf(docker29, { '/info': security }));
      await chown(rootless, 65_534, 65_534);
      const unenforced = ['processes'];
      expect(await found(rootless)).toMatchObject({ arch: 'amd64', rootless: true, unenforced });
    },
  );

  it('whose proxy guards /info is taken for one of another machine', async () => {
    const server = socketPath();
    await using _peer = await httpPeer(server, engineOf(docker29, { '/version': { Arch: 'arm64' } }));
    await using tunnel = await listening(createServer(onwardTo(server)));
    expect(await found(`tcp://127.0.0.1:${tunnel.port}`)).toMatchObject({
      arch: 'arm64',
      filesystemIsShared: false,
    });
  });
});

describe.skipIf(process.platform !== 'linux')('nobody has said where (Linux)', () => {
  it('takes the first of the usual places that answers, and remembers why others did not', async () => {
    const home = join(directory, 'home');
    await mkdir(join(home, '.rd'), { recursive: true });
    await mkdir(join(home, '.orbstack', 'run'), { recursive: true });
    // No socket, and one behind a link.
    await symlink('/nowhere', join(home, '.orbstack', 'run', 'docker.sock'));
    const path = socketPath();
    await using _peer = await httpPeer(path, engineOf(docker29));
    await symlink(path, join(home, '.rd', 'docker.sock'));
    const answer = await findEngine({}, { env: { HOME: home, XDG_RUNTIME_DIR: home } });
    if (!answer.available) throw new Error(answer.reason);
    // An engine of this machine comes first, where there is one.
    if (answer.endpoint.address.startsWith(`unix://${home}`)) {
      expect(answer.endpoint).toMatchObject({
        address: `unix://${home}/.rd/docker.sock`,
        origin: 'a usual place',
      });
      expect(answer.passedOver.map(({ reason }) => reason)).toContain(
        `unix://${home}/.orbstack/run/docker.sock (a usual place) does not exist`,
      );
    } else expect(answer.endpoint.address).toMatch(/^unix:\/\/\/(var\/)?run\//);
  });

  it('says one sentence where nothing is anywhere', async () => {
    const home = join(directory, 'nothing');
    const answer = await findEngine({}, { env: { HOME: home, XDG_RUNTIME_DIR: home } });
    if (answer.available) expect(answer.endpoint.address).toMatch(/^unix:\/\/\/(var\/)?run\//);
    else {
      expect(answer.reason).toMatch(/^no container engine is at a usual place: .*\/var\/run\/docker\.sock/);
      expect(answer.hint).toContain('DOCKER_HOST');
    }
  });

  it('says what is wrong with a setting', async () => {
    const answer = await findEngine({}, { env: { DOCKER_HOST: 'http://host' } });
    expect(answer).toMatchObject({
      available: false,
      reason: 'DOCKER_HOST is no address of an engine: the scheme http:// is not known',
      cause: { code: 'COMPANION_NO_BACKEND' },
    });
  });
});
