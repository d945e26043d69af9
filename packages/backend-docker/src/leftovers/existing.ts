import type { Abortable, ExistingEnvironment } from '@companion/core/backend';
import { removeContainer } from '../container/remove-container.js';
import { connectEngine, type Engine } from '../engine/engine.js';
import { findEngine } from '../engine/find-engine.js';
import { type Companion, companionsOn } from './companions.js';

/** On the engine that the docker command would use; none where no engine answers. */
export async function existingEnvironments({ signal }: Abortable): Promise<readonly ExistingEnvironment[]> {
  const answer = await findEngine({}, { signal });
  if (!answer.available) return [];
  const engine = await connectEngine(answer);
  return await Promise.all((await companionsOn(engine)).map((one) => describe(engine, one)));
}

async function describe(engine: Engine, companion: Companion): Promise<ExistingEnvironment> {
  const { handle, name, containerName, state, createdAt, owner, isKept } = companion;
  const isRunning = state === 'running';
  return {
    ...{ id: containerName, name, createdAt, owner, kept: isKept },
    state: isRunning ? 'running' : 'stopped',
    inUse: isRunning && (isKept ? await isEntered(handle) : owner !== 'gone'),
    remove: () => removeContainer(engine, handle),
  };
}

/** Each companion enters through a process of its own, which the engine lists for as long as it runs. */
async function isEntered(handle: Companion['handle']): Promise<boolean> {
  const found = await handle.inspect().catch(() => undefined);
  return (found?.ExecIDs?.length ?? 0) > 0;
}
