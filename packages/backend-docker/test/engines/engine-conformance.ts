import { fileURLToPath } from 'node:url';
import { conformance } from '@companion/testkit/vitest';
import { afterAll, inject } from 'vitest';
import { configuredBackend } from './configured-backend.mjs';
import { doorElsewhere } from './door.js';
import { leaveOut } from './each-engine.js';
import type { EngineKind, TestEngine } from './engines.mjs';

/** The whole kit on that engine. */
export async function engineConformance(kind: EngineKind): Promise<void> {
  const { [kind]: engine, absent } = inject('engines');
  if (engine === undefined) return leaveOut(kind, `conformance of docker on ${kind} [${absent[kind]}]`);
  await conform(engine, engine.address);
}

/** What is different where the engine does not see this machine's files and is reached through a port. */
export async function remoteConformance(kind: EngineKind): Promise<void> {
  const { [kind]: engine, absent } = inject('engines');
  const title = `conformance of docker on ${kind} of another machine`;
  if (engine === undefined) return leaveOut(kind, `${title} [${absent[kind]}]`);
  const door = doorElsewhere(engine);
  afterAll(() => door.close());
  await conform(engine, await door.open({ host: '127.0.0.1', port: 0 }), REMOTE_AREAS);
}

const REMOTE_AREAS = ['paths'];

async function conform(engine: TestEngine, address: string, only?: readonly string[]): Promise<void> {
  // Also for the second program of the cases about the owner's death.
  process.env.COMPANION_TEST_ENGINE = address;
  await conformance(
    {
      backend: configuredBackend,
      // Shell and tools are busybox's there, too; Node is what listens: not every busybox can, for more than one client.
      image: engine.images.node,
      required: true,
      module: `${fileURLToPath(new URL('configured-backend.mjs', import.meta.url))}#configuredBackend`,
    },
    only === undefined ? {} : { only },
  );
}
