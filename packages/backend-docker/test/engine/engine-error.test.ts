import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectEngine } from '../../src/engine/engine.js';
import { agentOf } from '../../src/engine/engine-agent.js';
import { containerIsGone, engineError, engineIsGone, engineWords } from '../../src/engine/engine-error.js';
import { findEngine } from '../../src/engine/find-engine.js';
import { engineOf, httpPeer } from './peer.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'companion-error-'));
});
afterAll(() => rm(directory, { recursive: true }));

it('is the code for a lost engine when that hangs up in the middle of a call, or is not there any more', async () => {
  const path = join(directory, 'docker.sock');
  const answer = engineOf({ 'Api-Version': '1.41', Server: 'Docker/20.10.24 (linux)' });
  const peer = await httpPeer(path, (request, response) => {
    if (request.url === '/_ping') answer(request, response);
    else request.socket.destroy();
  });
  const found = await findEngine({ host: path }, { env: {} });
  if (!found.available) throw new Error(found.reason);
  const { docker, endpoint } = await connectEngine(found);
  const context = {
    what: 'it cannot be listed',
    code: 'COMPANION_START_FAILED',
    lostCode: 'COMPANION_ENVIRONMENT_LOST',
    endpoint,
  } as const;
  const failure = () => docker.listImages().catch((error: unknown) => error);
  // The connection of the detection is used again; the second call makes its own.
  for (let call = 0; call < 2; call += 1) {
    const error = await failure();
    expect(engineIsGone(error)).toBe(true);
    expect(engineError(error, context)).toMatchObject({
      code: 'COMPANION_ENVIRONMENT_LOST',
      message: `it cannot be listed: unix://${path} (backendOptions.docker.host) hangs up`,
      cause: error,
    });
  }
  await peer[Symbol.asyncDispose]();
  agentOf(endpoint).destroy();
  const { lostCode: _, ...without } = context;
  expect(engineError(await failure(), without)).toMatchObject({
    code: 'COMPANION_START_FAILED',
    message: `it cannot be listed: unix://${path} (backendOptions.docker.host) does not exist`,
    hint: expect.stringContaining('Start it'),
  });
});

it('says what a proxy forbids, and never the password of an address', async () => {
  const path = join(directory, 'guarded.sock');
  const answer = engineOf({ 'Api-Version': '1.41' });
  await using _peer = await httpPeer(path, (request, response) => {
    if (request.url === '/_ping') return answer(request, response);
    response.writeHead(403).end('{"message":"no access to\\nhttps://me:secret@registry.example/v2"}');
  });
  const found = await findEngine({ host: path }, { env: {} });
  if (!found.available) throw new Error(found.reason);
  const { docker, endpoint } = await connectEngine(found);
  const error = await docker.listImages().catch((thrown: unknown) => thrown);
  expect(engineIsGone(error)).toBe(false);
  const told = engineError(error, { what: 'it failed', code: 'COMPANION_START_FAILED', endpoint });
  expect(told).toMatchObject({
    code: 'COMPANION_START_FAILED',
    message: 'it failed: no access to https://registry.example/v2',
    hint: expect.stringContaining('does not allow it'),
  });
});

it('leaves of what an engine says what concerns the user', () => {
  const id = '0123456789abcdef'.repeat(4);
  const words = (message: string) => engineWords(new Error(message));
  expect(
    words(
      `(HTTP code 500) server error - driver failed on endpoint x (${id}): Bind failed: port is already allocated `,
    ),
  ).toBe('driver failed on endpoint x: Bind failed: port is already allocated');
  expect(
    words(
      'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/x": stat /x: no such file or directory: unknown',
    ),
  ).toBe('exec: "/x": stat /x: no such file or directory');
  expect(
    words(
      `Conflict. The container name "/x" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    ),
  ).toBe('The container name "/x" is already in use by container "0123456789ab"');
  expect(words('x'.repeat(1000))).toHaveLength(300);
  expect(words('')).toBe('the engine gives no reason');
});

it("is a container's having gone, also in the words of Podman that looked at it meanwhile", async () => {
  const path = join(directory, 'podman.sock');
  const answer = engineOf({ 'Api-Version': '1.41', Server: 'Libpod/4.3.1 (linux)' });
  const refusals = new Map([
    ['/absent/', [404, 'no container with name or ID "absent" found: no such container']],
    ['/going/', [500, 'container 202b4aed702e does not exist in database: no such container']],
    ['/broken/', [500, 'database is locked']],
  ] as const);
  await using _peer = await httpPeer(path, (request, response) => {
    const [status, message] = [...refusals].find(([name]) => request.url?.includes(name))?.[1] ?? [];
    if (status === undefined) answer(request, response);
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
  });
  const found = await findEngine({ host: path }, { env: {} });
  if (!found.available) throw new Error(found.reason);
  const { docker, endpoint } = await connectEngine(found);
  const looked = ['absent', 'going', 'broken'].map((name) =>
    docker
      .getContainer(name)
      .inspect()
      .then(() => false, containerIsGone),
  );
  expect(await Promise.all(looked)).toEqual([true, true, false]);
  agentOf(endpoint).destroy();
});
