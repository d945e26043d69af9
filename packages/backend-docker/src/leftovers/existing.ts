import { CompanionError } from '@companion/core';
import type { Abortable, ExistingEnvironment } from '@companion/core/backend';
import { removeContainer } from '../container/remove-container.js';
import { connectEngine, type Engine } from '../engine/engine.js';
import { containerIsGone } from '../engine/engine-error.js';
import { findEngine } from '../engine/find-engine.js';
import { type Companion, companionsOn } from './companions.js';

/** On the engine that the docker command would use; none where there is no engine. */
export async function existingEnvironments({ signal }: Abortable): Promise<readonly ExistingEnvironment[]> {
  const answer = await findEngine({}, { signal });
  if (!answer.available) {
    const { reason, hint, cause } = answer;
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return [];
    throw new CompanionError('COMPANION_NO_BACKEND', reason, { hint, cause });
  }
  const engine = await connectEngine(answer);
  return await Promise.all((await companionsOn(engine)).map((one) => describe(engine, one)));
}

async function describe(engine: Engine, companion: Companion): Promise<ExistingEnvironment> {
  const { handle, name, containerName, state, createdAt, owner, isKept } = companion;
  const isRunning = state === 'running';
  return {
    ...{ id: containerName, name, createdAt, owner, kept: isKept },
    state: isRunning ? 'running' : 'stopped',
    inUse: isRunning && (isKept ? await isEntered(engine, handle) : owner !== 'gone'),
    remove: async () => {
      if (isKept) await assertUnused(engine, companion);
      await removeContainer(engine, handle);
    },
  };
}

/**
 * Whoever lists environments takes his time before he removes one. No engine removes a container on a condition: what is
 * left is the moment between this question and the next, in which nobody gets from the door to a session.
 */
async function assertUnused(engine: Engine, { handle, containerName }: Companion): Promise<void> {
  if (!(await isEntered(engine, handle, { orEntering: true }))) return;
  throw new CompanionError(
    'COMPANION_WRONG_STATE',
    `${containerName} was not removed: a companion has entered it`,
    {
      hint: 'It can be removed once that companion has left it.',
    },
  );
}

/** Each companion enters through a process of its own. Podman lists those that have ended, too, for 5 minutes. */
async function isEntered(
  { docker }: Engine,
  handle: Companion['handle'],
  { orEntering = false } = {},
): Promise<boolean> {
  const found = await handle.inspect().catch(nothingThere);
  const processes = await Promise.all(
    (found?.ExecIDs ?? []).map(async (id) => await docker.getExec(id).inspect().catch(nothingThere)),
  );
  // Docker gives a process that has not been started yet no exit code.
  return processes.some((one) => one?.Running === true || (orEntering && one?.ExitCode === null));
}

/** It has gone meanwhile. */
function nothingThere(error: unknown): undefined {
  if (!containerIsGone(error)) throw error;
}
