// Companions of one test file on one engine, which are gone after it.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CompanionOptions,
  type CompanionRunner,
  createCompanion,
  type PublishedEvent,
} from '@companion/core';
import Docker from 'dockerode';
import { afterAll, beforeAll } from 'vitest';
import { dockerBackend } from '../../src/backend.js';
import type { DockerOptions } from '../../src/options.js';
import type { TestEngine } from '../engines/engines.mjs';

export class Companions {
  readonly docker: Docker;
  /** Of those that started them, all. */
  readonly events: PublishedEvent[] = [];
  /** Of this file alone, and empty. */
  sourceDir = '';
  readonly #engine: TestEngine;
  readonly #started: CompanionRunner[] = [];

  constructor(engine: TestEngine) {
    this.#engine = engine;
    this.docker = new Docker({ socketPath: new URL(engine.address).pathname });
    beforeAll(async () => {
      this.sourceDir = await mkdtemp(join(tmpdir(), 'companion-'));
      // Also for programs that run as somebody else.
      await chmod(this.sourceDir, 0o777);
    });
    afterAll(async () => {
      await Promise.all(this.#started.map((one) => one.shutdown({ remove: true })));
      await rm(this.sourceDir, { recursive: true, force: true });
    }, 60_000);
  }

  options(options: CompanionOptions = {}, docker: DockerOptions = {}): CompanionOptions {
    return {
      name: 'tested',
      sourceDir: this.sourceDir,
      image: this.#engine.images.busybox,
      backends: [dockerBackend],
      preferredBackend: 'docker',
      backendOptions: { docker: { host: this.#engine.address, ...docker } },
      onEvent: (event) => void this.events.push(event),
      ...options,
    };
  }

  async create(options: CompanionOptions = {}, docker: DockerOptions = {}): Promise<CompanionRunner> {
    const runner = await createCompanion(this.options(options, docker));
    this.#started.push(runner);
    return runner;
  }

  async start(options: CompanionOptions = {}, docker: DockerOptions = {}): Promise<CompanionRunner> {
    const runner = await this.create(options, docker);
    await runner.init();
    return runner;
  }

  /** All of that name, running or not. */
  async containers(name: string): Promise<Docker.ContainerInfo[]> {
    return await this.docker.listContainers({
      all: true,
      filters: { label: [`dev.companion.name=${name}`] },
    });
  }

  /** What the engine knows of a companion's container. */
  async inspect(name: string): Promise<Docker.ContainerInspectInfo> {
    const [only, ...more] = await this.containers(name);
    if (only === undefined || more.length > 0) throw new Error(`${more.length} containers of ${name}`);
    return await this.docker.getContainer(only.Id).inspect();
  }
}

/** What a shell command has said, without the last line break. */
export async function say(runner: CompanionRunner, script: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await runner.run('sh', ['-c', script, 'sh', ...args], { reject: false });
  return `${stdout}${stderr}`.trimEnd();
}

export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => {
      throw new Error(`no failure: ${String(value)}`);
    },
    (error: unknown) => error,
  );
}
