import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompanionError } from '@companion/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EndpointOptions, resolveEndpoints } from '../../src/engine/endpoint.js';
import { hasOpenssl, makeCertificates } from './certificates.js';
import { docker, dockerAddress, hasDockerCommand } from './docker-command.js';

let directory: string;
let config: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'companion-endpoint-'));
  config = join(directory, 'config');
  await mkdir(config);
});
afterAll(() => rm(directory, { recursive: true }));

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  HOME: directory,
  DOCKER_CONFIG: config,
  ...more,
});

async function only(options: EndpointOptions, env: NodeJS.ProcessEnv = environment()) {
  const endpoints = await resolveEndpoints(options, env);
  expect(endpoints).toHaveLength(1);
  return endpoints[0]!;
}

async function refusal(options: EndpointOptions, env: NodeJS.ProcessEnv = environment()) {
  const error = await resolveEndpoints(options, env).catch((thrown: unknown) => thrown);
  expect(CompanionError.is(error, 'COMPANION_NO_BACKEND')).toBe(true);
  expect((error as CompanionError).hint).toMatch(/\.$/);
  return (error as CompanionError).message;
}

describe('DOCKER_HOST', () => {
  const addresses = [
    'unix:///tmp/engine.sock',
    'unix://',
    'tcp://10.0.0.1:2376',
    'tcp://10.0.0.1',
    'tcp://',
    'tcp://:1234',
    'tcp://[::1]:1234',
    'tcp://build.example:2375/docker',
    'build.example',
    'build.example:1234',
    '  unix:///tmp/engine.sock  ',
    'ssh://build.example',
    'ssh://me@build.example:2222',
    'ssh://me@build.example/run/user/1000/podman/podman.sock',
    'npipe:////./pipe/docker_engine',
    // Refused.
    'http://10.0.0.1:2375',
    'unix:///a,tcp://b',
    'unix://unix:///tmp/engine.sock',
    'tcp://10.0.0.1:port',
    'tcp://a b',
  ];
  for (const address of addresses) {
    it.skipIf(!hasDockerCommand)(`is read as the docker command reads it: '${address}'`, async () => {
      const env = environment({ DOCKER_HOST: address });
      const said = await dockerAddress(env);
      if (said === '') {
        expect(await refusal({}, env)).toContain('DOCKER_HOST is no address of an engine: ');
      } else {
        const endpoint = await only({}, env);
        expect(endpoint.origin).toBe('DOCKER_HOST');
        expect(endpoint.address).toBe(said);
      }
    });
  }

  it('is read as newer ones read it where docker 28 goes astray: a path, an IPv6 address without a port', async () => {
    const address = async (host: string) => (await only({ host })).address;
    expect(await address('/tmp/engine.sock')).toBe('unix:///tmp/engine.sock');
    expect(await address('./engine.sock')).toBe('unix://./engine.sock');
    expect(await address('tcp://[::1]')).toBe('tcp://[::1]:2375');
  });

  it('is refused where the port is none, the ssh host is an option, or a shell would read the path', async () => {
    for (const host of [
      'tcp://10.0.0.1:99999',
      'ssh://-oProxyCommand=evil',
      'ssh://-l@host',
      'ssh://me:secret@host',
      'ssh://host/$(evil)',
      'ssh://host?x=1',
      'ssh://',
    ]) {
      const message = await refusal({}, environment({ DOCKER_HOST: host }));
      expect(message).toContain('DOCKER_HOST is no address');
      expect(message).not.toContain('secret');
    }
  });

  it('becomes a transport with everything that it names', async () => {
    const transport = async (host: string) => (await only({ host })).transport;
    expect(await transport('tcp://[::1]:1234/base/')).toEqual({
      kind: 'tcp',
      host: '::1',
      port: 1234,
      basePath: '/base',
    });
    expect(await transport('ssh://me@[::1]:22/run/podman.sock')).toEqual({
      kind: 'ssh',
      host: '::1',
      user: 'me',
      port: 22,
      socketPath: '/run/podman.sock',
    });
    expect(await transport('npipe:////./pipe/docker_engine')).toEqual({
      kind: 'socket',
      path: '//./pipe/docker_engine',
    });
  });
});

describe.skipIf(!hasDockerCommand)('a context (made by the docker command, or there is none here)', () => {
  beforeAll(async () => {
    for (const [name, host] of [
      ['first', 'unix:///tmp/first.sock'],
      ['second', 'tcp://second.example:2376'],
      ['third', 'ssh://me@third.example'],
    ] as const) {
      expect(
        (await docker(['context', 'create', name, '--docker', `host=${host}`], environment())).output,
      ).toBe(name);
    }
  });

  it('is found by DOCKER_CONTEXT, and says so', async () => {
    for (const name of ['first', 'second', 'third']) {
      const env = environment({ DOCKER_CONTEXT: name });
      const endpoint = await only({}, env);
      expect(endpoint.address).toBe(await dockerAddress(env));
      expect(endpoint.origin).toBe(`the context "${name}" (DOCKER_CONTEXT)`);
    }
  });

  it('is the current one of config.json unless DOCKER_CONTEXT, DOCKER_HOST or an option says otherwise', async () => {
    await docker(['context', 'use', 'first'], environment());
    const path = join(config, 'config.json');
    expect(await only({})).toMatchObject({
      address: 'unix:///tmp/first.sock',
      origin: `the context "first" (currentContext in ${path})`,
    });
    const cases: [EndpointOptions, NodeJS.ProcessEnv, string][] = [
      [{}, { DOCKER_CONTEXT: 'second' }, 'tcp://second.example:2376'],
      [{}, { DOCKER_HOST: 'unix:///tmp/host.sock' }, 'unix:///tmp/host.sock'],
      [{}, { DOCKER_HOST: 'unix:///tmp/host.sock', DOCKER_CONTEXT: 'second' }, 'unix:///tmp/host.sock'],
    ];
    for (const [options, more, address] of cases) {
      expect((await only(options, environment(more))).address).toBe(address);
      expect(await dockerAddress(environment(more))).toBe(address);
    }
    const all = environment({ DOCKER_HOST: 'unix:///tmp/host.sock', DOCKER_CONTEXT: 'second' });
    expect((await only({}, all)).origin).toBe('DOCKER_HOST, which overrides the context "second"');
    expect(await only({ context: 'first' }, all)).toMatchObject({
      address: 'unix:///tmp/first.sock',
      origin: 'the context "first" (backendOptions.docker.context)',
    });
    expect((await only({ host: '/tmp/option.sock' }, all)).address).toBe('unix:///tmp/option.sock');
    // As `docker --context default`: DOCKER_HOST again, and the context of config.json not.
    expect((await only({ context: 'default' }, all)).address).toBe('unix:///tmp/host.sock');
    expect((await resolveEndpoints({ context: 'default' }, environment()))[0]?.address).toBe(
      'unix:///var/run/docker.sock',
    );
    await docker(['context', 'use', 'default'], environment());
    expect((await resolveEndpoints({}, environment()))[0]?.origin).toBe('a usual place');
  });

  it('that does not exist is an error, as for docker', async () => {
    const env = environment({ DOCKER_CONTEXT: 'absent' });
    expect((await docker(['version'], env)).complaint).toContain('context "absent"');
    expect(await refusal({}, env)).toBe('the context "absent" (DOCKER_CONTEXT) does not exist');
    expect(await refusal({ context: '../../etc' })).toContain('does not exist');
  });

  it.skipIf(!hasOpenssl)('brings its TLS material, and SkipTLSVerify', async () => {
    const { ca, cert, key, files } = await makeCertificates(directory);
    await docker(['context', 'create', 'guarded', '--docker', `host=tcp://h:1,${files}`], environment());
    await docker(
      ['context', 'create', 'careless', '--docker', 'host=tcp://h:1,skip-tls-verify=true'],
      environment(),
    );
    expect((await only({ context: 'guarded' })).transport).toMatchObject({
      tls: { ca, cert, key, rejectUnauthorized: true },
    });
    expect((await only({ context: 'careless' })).transport).toMatchObject({
      tls: { rejectUnauthorized: false },
    });
    expect((await only({ context: 'second' })).transport).not.toHaveProperty('tls');
  });
});

describe('TLS by variables', () => {
  it('takes the certificates of DOCKER_CERT_PATH, else those beside config.json', async () => {
    const certificates = join(directory, 'certificates');
    await mkdir(certificates);
    await writeFile(join(certificates, 'ca.pem'), 'authority');
    const host = { DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1' };
    const env = environment({ ...host, DOCKER_CERT_PATH: certificates });
    expect((await only({}, env)).transport).toMatchObject({
      tls: { ca: Buffer.from('authority'), rejectUnauthorized: true },
    });
    await writeFile(join(config, 'ca.pem'), 'other');
    expect((await only({}, environment(host))).transport).toMatchObject({
      tls: { ca: Buffer.from('other') },
    });
    const careless = environment({ DOCKER_HOST: 'tcp://h', DOCKER_TLS: '1', DOCKER_CERT_PATH: certificates });
    expect((await only({}, careless)).transport).toMatchObject({
      port: 2375,
      tls: { rejectUnauthorized: false },
    });
    const nowhere = environment({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certificates });
    expect(await only({}, nowhere)).toMatchObject({
      address: 'tcp://localhost:2376',
      origin: 'DOCKER_TLS_VERIFY',
    });
    if (hasDockerCommand) expect(await dockerAddress(nowhere)).toBe('tcp://localhost:2376');
    await rm(join(config, 'ca.pem'));
  });

  it('is an error without the files, and does not matter to a socket', async () => {
    const env = environment({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(directory, 'absent') });
    expect(await refusal({}, env)).toContain(
      `there is no ca.pem in ${join(directory, 'absent')} (DOCKER_CERT_PATH)`,
    );
    const half = join(directory, 'half');
    await mkdir(half);
    await writeFile(join(half, 'ca.pem'), '');
    await writeFile(join(half, 'cert.pem'), '');
    expect(await refusal({}, environment({ DOCKER_TLS: '1', DOCKER_CERT_PATH: half }))).toContain(
      'key.pem is missing',
    );
    expect(await only({ host: '/tmp/x.sock' }, env)).toMatchObject({ address: 'unix:///tmp/x.sock' });
  });
});

describe('the usual places', () => {
  it('are those of Docker, then those of Podman, with CONTAINER_HOST first', async () => {
    const env = environment({
      XDG_RUNTIME_DIR: '/run/user/77',
      CONTAINER_HOST: 'ssh://core@localhost:51/run/p.sock',
    });
    const addresses = (await resolveEndpoints({}, env)).map(({ address }) => address);
    expect(addresses).toEqual([
      'unix:///var/run/docker.sock',
      'unix:///run/user/77/docker.sock',
      `unix://${directory}/.docker/run/docker.sock`,
      `unix://${directory}/.docker/desktop/docker.sock`,
      `unix://${directory}/.colima/default/docker.sock`,
      `unix://${directory}/.config/colima/default/docker.sock`,
      `unix://${directory}/.orbstack/run/docker.sock`,
      `unix://${directory}/.rd/docker.sock`,
      'ssh://core@localhost:51/run/p.sock',
      'unix:///run/user/77/podman/podman.sock',
      'unix:///run/podman/podman.sock',
      `unix://${directory}/.local/share/containers/podman/machine/podman.sock`,
    ]);
    const moved = await resolveEndpoints({}, environment({ COLIMA_HOME: '/c', CONTAINER_HOST: 'what://' }));
    expect(moved.map(({ address }) => address)).toContain('unix:///c/default/docker.sock');
  });

  it('are taken with a remark where config.json cannot be read, as docker warns and goes on', async () => {
    await writeFile(join(config, 'config.json'), '{"currentContext":');
    const [first] = await resolveEndpoints({}, environment());
    expect(first?.origin).toBe(`a usual place, since ${join(config, 'config.json')} cannot be read`);
    if (hasDockerCommand) expect(await dockerAddress(environment())).toBe('unix:///var/run/docker.sock');
    await rm(join(config, 'config.json'));
  });
});
