import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { dockerBackend } from '@companion/backend-docker/backend';
import { createCompanion } from '@companion/core';
import Dockerode from 'dockerode';
import { runByHand } from './runners.mjs';

export const DOCKERODE = 'dockerode exec';
export const TESTCONTAINERS = 'testcontainers exec';
export const COMMAND = 'docker exec';
export const SOCKET = 'companion, socket';
export const ATTACH = 'companion, attach';

/** What keeps a container that only waits. */
const IDLE = ['sleep', '100000'];

export function clientOf({ address }) {
  return new Dockerode({ socketPath: address.replace('unix://', '') });
}

/**
 * A program in a running container, in the ways that there are: what is opened has `run(file, args)`, which resolves with
 * output and exit code, `start(file, args)`, which resolves with streams, and `close()`.
 */
export async function openContainers(engine, names) {
  const open = {
    [DOCKERODE]: openDockerode,
    [TESTCONTAINERS]: openTestcontainers,
    [COMMAND]: openCommand,
    [SOCKET]: openCompanion,
    [ATTACH]: (one) => withoutSocket(() => openCompanion(one)),
  };
  const opened = {};
  for (const name of names) {
    const container = await open[name](engine);
    if (container !== undefined) opened[name] = container;
  }
  return {
    containers: opened,
    ways: (key) => Object.fromEntries(Object.entries(opened).map(([name, one]) => [name, one[key]])),
    close: async () => {
      for (const { close } of Object.values(opened)) await close();
    },
  };
}

/** A container as one makes it by hand, without a network and without a log of its output. */
export async function createIdle(engine, more = {}) {
  const { HostConfig, ...rest } = more;
  return await clientOf(engine).createContainer({
    Image: engine.image,
    Cmd: IDLE,
    ...rest,
    HostConfig: { AutoRemove: true, LogConfig: { Type: 'none' }, NetworkMode: 'none', ...HostConfig },
  });
}

export function companionIn({ address, image }, network = 'none') {
  return createCompanion({
    backends: [dockerBackend],
    sourceDir: import.meta.dirname,
    image,
    network,
    backendOptions: { docker: { host: address } },
  });
}

/** Where no directory can be had for its socket, a session stays on the attached stream. */
async function withoutSocket(start) {
  const before = { XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME };
  delete process.env.XDG_RUNTIME_DIR;
  process.env.XDG_CACHE_HOME = '/dev/null';
  try {
    return await start();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

async function openCompanion(engine) {
  const companion = await companionIn(engine);
  await companion.init();
  return {
    companion,
    run: (file, args) => companion.run(file, args),
    start: (file, args) => companion.spawn(file, args),
    close: () => companion.shutdown(),
  };
}

async function openDockerode(engine) {
  const container = await createIdle(engine);
  await container.start();
  const start = async (file, args) => {
    const exec = await container.exec({
      Cmd: [file, ...args],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stdin = await exec.start({ hijack: true, stdin: true });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    container.modem.demuxStream(stdin, stdout, stderr);
    stdin.once('end', () => {
      stdout.end();
      stderr.end();
    });
    return { stdin, stdout, stderr, exec };
  };
  return {
    start,
    run: async (file, args) => {
      const exec = await container.exec({ Cmd: [file, ...args], AttachStdout: true, AttachStderr: true });
      const stream = await exec.start({ hijack: true });
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      container.modem.demuxStream(stream, stdout, stderr);
      stderr.resume();
      let text = '';
      stdout.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      await new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
      const { ExitCode } = await exec.inspect();
      return { stdout: text, code: ExitCode };
    },
    close: () => container.remove({ force: true }),
  };
}

/** The engine's own command; undefined where there is none. */
async function openCommand(engine) {
  const client = engine.kind === 'podman' ? ['podman', '--url'] : ['docker', '--host'];
  const found = await runByHand(client[0], ['--version']).catch(() => undefined);
  if (found?.code !== 0) return undefined;
  const container = await createIdle(engine);
  await container.start();
  const [program, flag] = client;
  const exec = [flag, engine.address, 'exec'];
  return {
    run: (file, args) => runByHand(program, [...exec, container.id, file, ...args]),
    start: async (file, args) => spawn(program, [...exec, '-i', container.id, file, ...args]),
    close: () => container.remove({ force: true }),
  };
}

/** Without its own watcher, whose image would have to be pulled. Docker alone: it wants what Podman answers otherwise. */
async function openTestcontainers(engine) {
  if (engine.kind !== 'docker') return undefined;
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  process.env.DOCKER_HOST = engine.address;
  const { GenericContainer } = await import('testcontainers');
  const container = await new GenericContainer(engine.image)
    .withNetworkMode('none')
    .withCommand(IDLE)
    .start();
  return {
    run: async (file, args) => {
      const { stdout, exitCode } = await container.exec([file, ...args]);
      return { stdout, code: exitCode };
    },
    close: () => container.stop(),
  };
}
