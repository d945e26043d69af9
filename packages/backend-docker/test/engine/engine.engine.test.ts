import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createProxy, get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectEngine } from '../../src/engine/engine.js';
import { agentOf } from '../../src/engine/engine-agent.js';
import { findEngine } from '../../src/engine/find-engine.js';
import { eachEngine, onEngine } from '../engines/each-engine.js';
import { makeCertificates } from './certificates.js';
import { docker, hasDockerCommand } from './docker-command.js';
import { listening, onwardTo } from './peer.js';

const socketOf = (address: string) => address.replace(/^unix:\/\//, '');
const nobody: NodeJS.ProcessEnv = {};

async function found(host: string, env = nobody) {
  const answer = await findEngine({ host }, { env });
  if (!answer.available) throw new Error(answer.reason);
  return answer;
}

eachEngine('a real engine', ({ kind, address, images }) => {
  it('is found, with all that is to be known of it', async () => {
    const answer = await found(address);
    expect(answer).toMatchObject({
      kind,
      apiVersion: expect.stringMatching(/^1\.4\d$/),
      arch: { x64: 'amd64', arm64: 'arm64' }[process.arch as string],
      filesystemIsShared: true,
      endpoint: { address },
    });
    const { docker } = await connectEngine(answer);
    expect(answer.version).toBe((await docker.version()).Version);
    // What was concluded from the socket is what the engine says.
    const info = await docker.info();
    expect({ x86_64: 'amd64', aarch64: 'arm64' }[info.Architecture as string] ?? info.Architecture).toBe(
      answer.arch,
    );
    expect(info.OSType).toBe('linux');
    const isRootless = info.Rootless === true || info.SecurityOptions?.includes('name=rootless');
    expect(answer.rootless).toBe(isRootless ?? false);
  });

  it('is found in milliseconds', async () => {
    const durations: number[] = [];
    for (let call = 0; call < 50; call += 1) {
      const startedAt = performance.now();
      await found(address);
      durations.push(performance.now() - startedAt);
    }
    const median = durations.toSorted((left, right) => left - right)[25] ?? Number.NaN;
    // The goal is 2, on a machine that does nothing else.
    expect(median).toBeLessThan(20);
  });

  it('is used as named, whatever DOCKER_HOST and DOCKER_CERT_PATH say to dockerode', async () => {
    const answer = await found(address);
    const { DOCKER_HOST, DOCKER_CERT_PATH } = process.env;
    try {
      process.env.DOCKER_CERT_PATH = '/nowhere';
      for (const host of ['tcp://127.0.0.1:1', 'ssh://nowhere.invalid', 'tcp://[']) {
        process.env.DOCKER_HOST = host;
        const { docker } = await connectEngine(answer);
        expect((await docker.listImages()).length).toBeGreaterThan(0);
        expect(process.env.DOCKER_HOST).toBe(host);
      }
    } finally {
      for (const [name, value] of Object.entries({ DOCKER_HOST, DOCKER_CERT_PATH })) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  it('is reached through a port, where it is recognised as that of this machine', async () => {
    await using port = await listening(createServer({ allowHalfOpen: true }, onwardTo(socketOf(address))));
    const answer = await found(`tcp://127.0.0.1:${port.port}`);
    expect(answer).toMatchObject({ kind, filesystemIsShared: true });
    expect((await (await connectEngine(answer)).docker.listImages()).length).toBeGreaterThan(0);
    agentOf(answer.endpoint).destroy();
  });

  it('is reached behind a proxy that puts it below a path', async () => {
    const onward = createProxy((request, response) => {
      const path = request.url?.replace(/^\/engines\/one/, '');
      const call = get({ socketPath: socketOf(address), path, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      call.on('error', () => response.destroy());
    });
    await using proxy = await listening(onward);
    const answer = await found(`tcp://127.0.0.1:${proxy.port}/engines/one/`);
    expect(answer.endpoint.address).toBe(`tcp://127.0.0.1:${proxy.port}/engines/one`);
    const { docker } = await connectEngine(answer);
    expect((await docker.listImages()).length).toBeGreaterThan(0);
    agentOf(answer.endpoint).destroy();
  });

  it('carries an attached stream, and the end of its input, over the connections made here', async () => {
    const { docker } = await connectEngine(await found(address));
    const container = await docker.createContainer({
      Image: images.busybox,
      Cmd: ['cat'],
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      HostConfig: { AutoRemove: true, NetworkMode: 'none' },
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
    await container.start();
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.write('hello');
    while (!Buffer.concat(chunks).includes('hello')) await once(stream, 'data');
    stream.end();
    await once(stream, 'close');
    expect(Buffer.concat(chunks).toString()).toContain('hello');
  });
});

onEngine('docker', 'an engine behind TLS', ({ address }) => {
  let directory: string;
  let certificates: Awaited<ReturnType<typeof makeCertificates>>;
  let port: Awaited<ReturnType<typeof listening>>;
  let plain: Awaited<ReturnType<typeof listening>>;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'companion-tls-'));
    certificates = await makeCertificates(directory);
    const { ca, cert, key } = certificates;
    // As dockerd --tlsverify: who has no certificate of this authority is sent away.
    const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true };
    port = await listening(createTlsServer(options, onwardTo(socketOf(address))));
    plain = await listening(createServer({ allowHalfOpen: true }, onwardTo(socketOf(address))));
  });
  afterAll(async () => {
    await port[Symbol.asyncDispose]();
    await plain[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });
  const env = (host: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    HOME: directory,
    DOCKER_HOST: host,
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: directory,
    ...more,
  });
  const reason = async (variables: NodeJS.ProcessEnv): Promise<string> => {
    const answer = await findEngine({}, { env: variables });
    return answer.available ? 'it is there' : `${answer.reason} | ${answer.hint}`;
  };

  it('is reached with the certificates of DOCKER_CERT_PATH, by dockerode too', async () => {
    const answer = await findEngine({}, { env: env(`tcp://localhost:${port.port}`) });
    if (!answer.available) throw new Error(answer.reason);
    const { docker } = await connectEngine(answer);
    expect((await docker.version()).Version).toBe(answer.version);
    agentOf(answer.endpoint).destroy();
  });

  it.skipIf(!hasDockerCommand)(
    'is reached with those of a context that the docker command has made',
    async () => {
      const config = join(directory, 'config');
      const variables = { HOME: directory, DOCKER_CONFIG: config };
      const host = `tcp://localhost:${port.port}`;
      await docker(
        ['context', 'create', 'guarded', '--docker', `host=${host},${certificates.files}`],
        variables,
      );
      const answer = await findEngine({ context: 'guarded' }, { env: variables });
      if (!answer.available) throw new Error(answer.reason);
      const version = await docker(['version', '--format', '{{.Server.Version}}'], {
        ...variables,
        DOCKER_CONTEXT: 'guarded',
      });
      expect(answer.version).toBe(version.output);
      agentOf(answer.endpoint).destroy();
    },
  );

  it('says what is wrong with certificates, names and ports', async () => {
    const address = `tcp://localhost:${port.port}`;
    const elsewhere = await mkdtemp(join(directory, 'elsewhere-'));
    await makeCertificates(elsewhere);
    expect(await reason(env(address, { DOCKER_CERT_PATH: elsewhere }))).toContain(
      'ca.pem does not vouch for',
    );
    const without = await mkdtemp(join(directory, 'without-'));
    await writeFile(join(without, 'ca.pem'), certificates.ca);
    expect(await reason(env(address, { DOCKER_CERT_PATH: without }))).toMatch(
      /does not accept the certificate|hangs up/,
    );
    expect(await reason(env(`tcp://127.0.0.1:${port.port}`))).toContain('a certificate for another host');
    expect(await reason(env(`tcp://localhost:${plain.port}`))).toContain('does not speak TLS');
    expect(await reason({ DOCKER_HOST: address })).toMatch(/hangs up \| Perhaps it wants TLS/);
    // Without DOCKER_TLS_VERIFY the engine's certificate is not looked at; the own one is still shown.
    expect(
      await reason(env(`tcp://127.0.0.1:${port.port}`, { DOCKER_TLS_VERIFY: '', DOCKER_TLS: '1' })),
    ).toBe('it is there');
  });
});
