import { removeContainer } from '../container/remove-container.js';
import type { Engine } from '../engine/engine.js';
import { companionsOn } from './companions.js';

/** The engine removes a container when it has ended; one that was made and never started ends never. */
const NEVER_ENDS = new Set(['created', 'configured', 'initialized', 'exited', 'dead']);

/**
 * Removes what companions have left that were killed between making a container and starting it. Never rejects: what it
 * cannot do now the next companion does.
 */
export async function sweepLeftovers(engine: Engine): Promise<void> {
  await sweep(engine).catch(() => {});
}

async function sweep(engine: Engine): Promise<void> {
  const left = (await companionsOn(engine)).filter(
    ({ owner, state }) => owner === 'gone' && NEVER_ENDS.has(state),
  );
  for (const { handle } of left) await removeContainer(engine, handle).catch(() => {});
}
