import { openContainers } from './containers.mjs';
import { commandRunners, FLOOR, runByHand } from './runners.mjs';

/** One of the ways to run a command, by its name: on this machine, or in a container of that engine (as JSON). */
export async function commandRunner(name, engine) {
  if (engine !== undefined && name !== FLOOR) {
    const { containers, close } = await openContainers(JSON.parse(engine), [name]);
    return { command: containers[name].run, close };
  }
  if (engine !== undefined) return { command: runByHand, close: async () => {} };
  const { run, close } = await commandRunners();
  return { command: run[name], close };
}
