import type Dockerode from 'dockerode';
import { beforeAll, expect, it } from 'vitest';
import { connectEngine, type Engine } from '../../src/engine/engine.js';
import { engineError } from '../../src/engine/engine-error.js';
import { findEngine } from '../../src/engine/find-engine.js';
import { eachEngine } from '../engines/each-engine.js';

async function engineAt(host: string): Promise<Engine> {
  const answer = await findEngine({ host }, { env: {} });
  if (!answer.available) throw new Error(answer.reason);
  return connectEngine(answer);
}

eachEngine('what an engine refuses', ({ kind, address, images }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineAt(address);
  });

  /** The error of creating and starting such a container, in the words of a backend. */
  async function failure(options: Dockerode.ContainerCreateOptions) {
    let container: Dockerode.Container | undefined;
    try {
      container = await engine.docker.createContainer({ Image: images.busybox, Cmd: ['true'], ...options });
      await container.start();
    } catch (error) {
      const { endpoint } = engine;
      const told = engineError(error, { what: 'it did not start', code: 'COMPANION_START_FAILED', endpoint });
      expect(told.cause).toBe(error);
      expect(told.message).toMatch(/^it did not start: \S/);
      expect(told.message).not.toMatch(/HTTP code|[0-9a-f]{64}|\n|OCI runtime create failed|: unknown$/);
      expect(told.hint ?? 'A hint.').toMatch(/^[A-Z].*\.$/);
      return { code: told.code, message: told.message.replace('it did not start: ', ''), hint: told.hint };
    } finally {
      await container?.remove({ force: true });
    }
    throw new Error('it has started');
  }

  it('is told with its code, in one sentence, with a hint: image, mount, name, network, command', async () => {
    expect(await failure({ Image: '127.0.0.1:5000/companion/absent:1' })).toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringMatching(/^no such image: /i),
    });
    const mount = { Type: 'bind', Source: '/no/such/directory', Target: '/x' } as const;
    // Podman makes the directory.
    if (kind === 'docker')
      expect(await failure({ HostConfig: { Mounts: [mount] } })).toMatchObject({
        code: 'COMPANION_START_FAILED',
        message: expect.stringContaining('/no/such/directory'),
        hint: expect.stringContaining('Create the directory first'),
      });
    const name = `engine-error-${process.pid}`;
    const first = await engine.docker.createContainer({ Image: images.busybox, Cmd: ['true'], name });
    try {
      expect(await failure({ name })).toMatchObject({
        hint: expect.stringContaining('Another container has that name'),
      });
    } finally {
      await first.remove();
    }
    expect(await failure({ HostConfig: { NetworkMode: 'absent' } })).toMatchObject({
      hint: expect.stringContaining('docker network ls'),
    });
    expect((await failure({ Cmd: ['/absent'] })).message).toMatch(
      /^exec: "\/absent": stat \/absent: no such file/,
    );
  });

  it('is PORT_UNAVAILABLE for a port that is taken', async () => {
    const ports = { ExposedPorts: { '80/tcp': {} } };
    const binding = (port: string) => ({
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: port }] },
    });
    const first = await engine.docker.createContainer({
      Image: images.busybox,
      Cmd: ['sleep', '1000'],
      ...ports,
      HostConfig: binding(''),
    });
    try {
      await first.start();
      const taken = (await first.inspect()).NetworkSettings.Ports['80/tcp']?.[0]?.HostPort ?? '';
      expect(taken).toMatch(/^\d+$/);
      expect(await failure({ ...ports, HostConfig: binding(taken) })).toMatchObject({
        code: 'COMPANION_PORT_UNAVAILABLE',
        hint: expect.stringContaining('Another program has that port'),
      });
    } finally {
      await first.remove({ force: true });
    }
  });

  it('is passed on as it is where it is a CompanionError, and ABORTED where that was asked for', async () => {
    const abort = new AbortController();
    abort.abort();
    const error = await engine.docker
      .listContainers({ abortSignal: abort.signal })
      .catch((thrown: unknown) => thrown);
    const context = { what: 'it failed', code: 'COMPANION_START_FAILED', endpoint: engine.endpoint } as const;
    const told = engineError(error, context);
    expect(told.code).toBe('COMPANION_ABORTED');
    expect(engineError(told, context)).toBe(told);
  });
});
