// An engine that ends under a running companion, and comes back.
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { CompanionError, type CompanionRunner, createCompanion, startCompanion } from '@companion/core';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { dockerBackend } from '../../src/backend.js';
import { leaveOut } from '../engines/each-engine.js';
import { type EngineKind, type StartedEngines, startEngines } from '../engines/engines.mjs';

const SETTLED_MS = 15_000;

async function settled<T>(what: Promise<T>): Promise<unknown> {
  const late = pause(SETTLED_MS, 'nothing: it hangs', { ref: false });
  return await Promise.race([
    what.then(
      (value) => ({ value }),
      (error: unknown) => error,
    ),
    late,
  ]);
}

for (const kind of ['docker', 'podman'] as const) {
  const { absent } = inject('engines');
  const why =
    absent[kind] ?? (process.getuid?.() === 0 ? undefined : 'only root may start one for the tests');
  if (why === undefined) describe(`an engine that ends (${kind})`, () => engineDeath(kind));
  else leaveOut(kind, `an engine that ends (${kind}) [${why}]`);
}

function engineDeath(kind: EngineKind): void {
  let engines: StartedEngines;
  beforeAll(async () => {
    engines = await startEngines({ kinds: [kind], images: ['busybox'], own: true });
  }, 60_000);
  afterAll(async () => await engines.stop(), 60_000);

  const engine = () => {
    const { [kind]: own } = engines;
    if (own === undefined) throw new Error(`no ${kind}: ${engines.absent[kind]}`);
    return own;
  };
  const options = () => ({
    name: 'mortal',
    sourceDir: '.',
    image: engine().images.busybox,
    backends: [dockerBackend],
    preferredBackend: 'docker',
    backendOptions: { docker: { host: engine().address } },
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`${signal}: every call settles, and what was left goes once the engine is back`, {
      timeout: 120_000,
    }, async () => {
      const runner: CompanionRunner = await startCompanion(options());
      const sleeper = settled(runner.run('sleep', ['1000']));
      const talker = settled((await runner.spawn('cat', [])).wait());
      await engines.end(kind, signal);

      // What was running settles first: it tells that the end has been noticed.
      const verdicts = [
        await sleeper,
        await talker,
        await settled(runner.run('true')),
        await settled(runner.copyIn('package.json', '/tmp/copy')),
      ];
      for (const verdict of verdicts) {
        expect(CompanionError.is(verdict, 'COMPANION_ENVIRONMENT_LOST'), inspect(verdict)).toBe(true);
      }
      expect(runner.state).toBe('lost');
      await settled(runner.shutdown());
      const late = await settled(createCompanion(options()));
      expect(
        CompanionError.is(late, 'COMPANION_UNSUPPORTED') || CompanionError.is(late, 'COMPANION_NO_BACKEND'),
        inspect(late),
      ).toBe(true);

      await engines.start(kind);
      const next = await startCompanion(options());
      expect((await next.run('echo', ['works'])).stdout).toBe('works\n');
      const docker = new Docker({ socketPath: new URL(engine().address).pathname });
      const running = async () => (await docker.listContainers()).length;
      // The first one's supervisor has ended with its stream, or with the engine.
      for (const end = Date.now() + SETTLED_MS; (await running()) > 1 && Date.now() < end; ) await pause(50);
      expect(await running(), 'only the new one may run').toBe(1);
      await next.shutdown();
    });
  }
}
