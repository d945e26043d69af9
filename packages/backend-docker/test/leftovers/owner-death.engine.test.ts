// What is left of a companion whose program is killed with SIGKILL, whenever that is.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { startCompanion } from '@companion/core';
import Docker from 'dockerode';
import { expect, test } from 'vitest';
import { dockerBackend } from '../../src/backend.js';
import { eachEngine } from '../engines/each-engine.js';
import type { TestEngine } from '../engines/engines.mjs';

const packageFolder = join(import.meta.dirname, '../..');
/** All by hand: COMPANION_TEST_KILLS=50. */
const KILLS = Number(process.env.COMPANION_TEST_KILLS ?? 8);
const GONE_MS = 5000;

/** The whole life of a companion, again and again, with a tree inside that wants to stay. */
const OWNER = `
import { startCompanion } from '@companion/core';
import { dockerBackend } from '@companion/backend-docker/backend';
const [image, host, name, rounds] = process.argv.slice(1);
for (let round = 0; round < Number(rounds); round++) {
  const runner = await startCompanion({
    name, sourceDir: '.', image, backends: [dockerBackend], backendOptions: { docker: { host } },
  });
  const tree = 'trap "" TERM; setsid sleep 1000 & (sleep 1000 &) ; sleep 1000 & wait';
  await runner.spawn('sh', ['-c', tree]);
  await runner.run('sh', ['-c', 'sleep 0.05']);
  await runner.stop();
  await runner.init();
  await runner.run('true');
  await runner.shutdown();
}
console.log('done');
`;

function owner(engine: TestEngine, name: string, rounds: number, temporary: string): ChildProcess {
  const args = [engine.images.busybox, engine.address, name, String(rounds)];
  return spawn(process.execPath, ['--input-type=module', '--eval', OWNER, ...args], {
    cwd: packageFolder,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function containersOf(docker: Docker, name: string): Promise<Docker.ContainerInfo[]> {
  return await docker.listContainers({ all: true, filters: { label: [`dev.companion.name=${name}`] } });
}

async function until(holds: () => Promise<boolean>, boundMs: number): Promise<boolean> {
  for (const end = Date.now() + boundMs; Date.now() < end; await pause(50)) {
    if (await holds()) return true;
  }
  return await holds();
}

eachEngine('a killed owner leaves nothing', (engine) => {
  const docker = new Docker({ socketPath: new URL(engine.address).pathname });

  test(`at ${KILLS} moments of a companion's life`, { timeout: 60_000 + KILLS * 12_000 }, async () => {
    const temporary = await mkdtemp(join(tmpdir(), 'owner-'));
    const name = `killed-${engine.kind}`;
    const networks = async () => (await docker.listNetworks()).map(({ Name }) => Name).sort();
    const volumes = async () => ((await docker.listVolumes()).Volumes ?? []).length;
    const before = { networks: await networks(), volumes: await volumes() };
    // How long one life takes, start of the program included.
    const startedAt = performance.now();
    const whole = owner(engine, name, 1, temporary);
    expect(whole.stdout && (await text(whole.stdout))).toBe('done\n');
    const lifeMs = performance.now() - startedAt;

    for (let kill = 0; kill < KILLS; kill++) {
      const victim = owner(engine, name, 3, temporary);
      const exited = once(victim, 'exit');
      // Spread over a life and a half: importing comes first, and costs as much as starting.
      await pause(lifeMs * (0.15 + (1.5 * (kill + Math.random())) / KILLS));
      victim.kill('SIGKILL');
      await exited;
      const running = async () =>
        (await containersOf(docker, name)).filter(({ State }) => State === 'running');
      expect(await until(async () => (await running()).length === 0, GONE_MS), 'nothing may run').toBe(true);
    }

    // What was made and never started is nobody's: the next companion, of whatever name, takes it away.
    const next = await startCompanion({
      name: 'next',
      sourceDir: '.',
      image: engine.images.busybox,
      backends: [dockerBackend],
      backendOptions: { docker: { host: engine.address } },
    });
    try {
      const isEmpty = async () => (await containersOf(docker, name)).length === 0;
      expect(await until(isEmpty, GONE_MS), 'the next companion must sweep what was never started').toBe(
        true,
      );
    } finally {
      await next.shutdown();
    }
    expect({ networks: await networks(), volumes: await volumes() }).toEqual(before);
    expect(await readdir(temporary), 'files may not be left').toEqual([]);
    await rm(temporary, { recursive: true });
  });
});
