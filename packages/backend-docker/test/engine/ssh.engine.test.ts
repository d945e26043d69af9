import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as tick } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Demultiplexer } from '../../src/container/demultiplexer.js';
import { connectEngine } from '../../src/engine/engine.js';
import { agentOf } from '../../src/engine/engine-agent.js';
import { engineError } from '../../src/engine/engine-error.js';
import { findEngine } from '../../src/engine/find-engine.js';
import type { EngineAnswer } from '../../src/engine/probe.js';
import { hasDockerCommand } from './docker-command.js';
import { hasSshd, sshChildren, startSshd } from './sshd.js';

const { docker, podman } = inject('engines');
const missing = !hasSshd
  ? 'there is no sshd'
  : !hasDockerCommand
    ? 'there is no docker command'
    : docker === undefined
      ? 'there is no Docker'
      : undefined;

describe.skipIf(missing !== undefined)(
  `an engine behind ssh${missing === undefined ? '' : ` [${missing}]`}`,
  () => {
    const usualPath = process.env.PATH ?? '';
    let directory: string;
    let machine: Awaited<ReturnType<typeof startSshd>>;
    const answers: EngineAnswer[] = [];
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'companion-ssh-'));
      machine = await startSshd(directory, { DOCKER_HOST: docker!.address });
      process.env.PATH = `${machine.bin}:${usualPath}`;
    });
    afterEach(async () => {
      for (const { endpoint } of answers.splice(0)) agentOf(endpoint).destroy();
      while (sshChildren().length > 0) await tick();
    });
    afterAll(async () => {
      process.env.PATH = usualPath;
      await machine.stop();
      await rm(directory, { recursive: true });
    });

    async function found(host: string): Promise<EngineAnswer> {
      const answer = await findEngine({ host }, { env: {} });
      if (!answer.available) throw new Error(`${answer.reason} | ${answer.hint}`);
      answers.push(answer);
      return answer;
    }

    async function none(host: string): Promise<string> {
      const answer = await findEngine({ host }, { env: {} });
      expect(answer.available).toBe(false);
      return answer.available ? '' : `${answer.reason} | ${answer.hint}`;
    }

    it('is found and used through one process of ssh, and its files are not those of this machine', async () => {
      const before = process.getActiveResourcesInfo().length;
      const answer = await found('ssh://machine');
      expect(answer).toMatchObject({ kind: 'docker', filesystemIsShared: false });
      const { docker: client } = await connectEngine(answer);
      expect((await client.version()).Version).toBe(answer.version);
      expect((await client.listImages()).length).toBeGreaterThan(0);
      await tick();
      expect(sshChildren()).toHaveLength(1);
      // It does not keep this program alive.
      expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
    });

    it('is the one of the socket that is named there', async () => {
      const address = `ssh://${process.env.USER ?? 'root'}@machine:${machine.port}`;
      const named = await found(`${address}${docker!.address.replace('unix://', '')}`);
      expect(named.endpoint.address).toContain(`${docker!.address.replace('unix://', '')}`);
      expect(named.kind).toBe('docker');
      if (podman === undefined) return;
      expect((await found(`${address}${podman.address.replace('unix://', '')}`)).kind).toBe('podman');
    });

    it('carries an attached stream, and the end of its input', async () => {
      const { docker: client } = await connectEngine(await found('ssh://machine'));
      const container = await client.createContainer({
        Image: docker!.images.busybox,
        Cmd: ['sh', '-c', 'cat; echo ended'],
        OpenStdin: true,
        StdinOnce: true,
        AttachStdin: true,
        HostConfig: { AutoRemove: true, NetworkMode: 'none' },
      });
      const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
      await container.start();
      // The headers between the pieces may hold any byte.
      const output = text(stream.pipe(new Demultiplexer()));
      const megabyte = 'x'.repeat(1024 * 1024);
      stream.write(megabyte);
      stream.end();
      const said = await output;
      expect(said).toContain('ended');
      expect(said.split('x').length - 1).toBe(megabyte.length);
    });

    it('is lost when the connection is, in the middle of an answer', async () => {
      const answer = await found('ssh://machine');
      const { docker: client } = await connectEngine(answer);
      const events = await client.getEvents();
      const ended = new Promise((resolve) => events.once('error', resolve));
      events.resume();
      for (const pid of sshChildren()) process.kill(pid, 'SIGKILL');
      expect(await ended).toMatchObject({ code: 'ECONNRESET' });
      // The next call makes a new one.
      expect((await client.listImages()).length).toBeGreaterThan(0);
    });

    it('says what is wrong', async () => {
      expect(await none('ssh://127.0.0.1:1')).toMatch(/Connection refused \| No ssh server listens there/);
      expect(await none(`ssh://127.0.0.1:${machine.port}`)).toMatch(
        /Permission denied.* \| Load a key with ssh-add/,
      );
      expect(await none(`ssh://localhost:${machine.port}`)).toMatch(
        /Host key verification failed.* \| Call ssh/,
      );
      expect(await none('ssh://machine/absent/docker.sock')).toMatch(
        /cannot reach the engine there: .*absent/,
      );
      const empty = join(directory, 'empty');
      await mkdir(empty);
      process.env.PATH = empty;
      try {
        expect(await none('ssh://machine')).toMatch(/needs ssh, which is not installed/);
      } finally {
        process.env.PATH = `${machine.bin}:${usualPath}`;
      }
    });

    it('says that the docker command is missing there', async () => {
      const other = await mkdtemp(join(directory, 'bare-'));
      const bare = await startSshd(other, { PATH: other });
      process.env.PATH = `${bare.bin}:${usualPath}`;
      try {
        expect(await none('ssh://machine')).toMatch(
          /is a machine without the docker command \| Install the docker client/,
        );
      } finally {
        process.env.PATH = `${machine.bin}:${usualPath}`;
        await bare.stop();
      }
    });

    it('tells of a lost connection in one sentence', async () => {
      const answer = await found('ssh://machine');
      const { docker: client } = await connectEngine(answer);
      process.env.PATH = '/nowhere';
      agentOf(answer.endpoint).destroy();
      const error = await client.listImages().catch((thrown: unknown) => thrown);
      process.env.PATH = `${machine.bin}:${usualPath}`;
      expect(
        engineError(error, {
          what: 'the images could not be listed',
          code: 'COMPANION_START_FAILED',
          lostCode: 'COMPANION_ENVIRONMENT_LOST',
          endpoint: answer.endpoint,
        }),
      ).toMatchObject({
        code: 'COMPANION_ENVIRONMENT_LOST',
        message:
          'the images could not be listed: ssh://machine (backendOptions.docker.host) needs ssh, which is not installed',
      });
    });
  },
);
