import { fileURLToPath } from 'node:url';
import { conformance } from '@companion/testkit/vitest';
import { inject } from 'vitest';
import { configuredBackend } from './configured-backend.mjs';
import { leaveOut } from './each-engine.js';
import type { EngineKind } from './engines.mjs';

/** The whole kit on that engine. */
export async function engineConformance(kind: EngineKind): Promise<void> {
  const { [kind]: engine, absent } = inject('engines');
  if (engine === undefined) return leaveOut(kind, `conformance of docker on ${kind} [${absent[kind]}]`);
  // Also for the second program of the cases about the owner's death.
  process.env.COMPANION_TEST_ENGINE = engine.address;
  await conformance({
    backend: configuredBackend,
    // Shell and tools are busybox's there, too; Node is what listens: not every busybox can, for more than one client.
    image: engine.images.node,
    required: true,
    module: `${fileURLToPath(new URL('configured-backend.mjs', import.meta.url))}#configuredBackend`,
  });
}
