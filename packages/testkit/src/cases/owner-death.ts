import { rm } from 'node:fs/promises';
import type { ConformanceCase } from '../case.js';
import { startOwner } from '../owner.js';
import { processTree } from '../process-tree.js';

/** Ten times the goal. */
const GONE_MS = 10_000;
/** Two seconds and more. */
const BEATS_OF_A_SURVIVOR = 40;

/** Where one program sees what happens in the environment of another: nobody sees into copies from outside. */
const VISIBLE = ['shared', 'bound'] as const;

/** What becomes of processes when the program that holds their companion ends. */
export const ownerDeathCases: readonly ConformanceCase[] = [
  {
    id: 'owner-death.killed',
    title:
      'when the program is SIGKILLed everything inside ends, wherever it went and deaf to polite signals',
    since: 1,
    requires: { ownerDeath: 'killed', filesystem: VISIBLE },
    needsModule: true,
    run: async (context) => {
      const paths = await context.create();
      const spawned = processTree(context, paths, 'spawned', { deaf: true });
      const main = processTree(context, paths, 'main', { deaf: true });
      const [file, args] = main.command;
      const options = { pause: false, entrypoint: [file, ...args] };
      const owner = await startOwner(context, { commands: [spawned.command], options });
      await Promise.all([spawned.waitForBeats(), main.waitForBeats()]);
      await owner.kill();
      await Promise.all([spawned, main].map((tree) => tree.assertStops({ withinMs: GONE_MS })));
    },
  },
  {
    id: 'owner-death.orderly-end',
    title: 'when the program shuts its companion down it can end, and nothing of the companion is left',
    since: 1,
    requires: { killTree: true, filesystem: VISIBLE },
    needsModule: true,
    run: async (context) => {
      const tree = processTree(context, await context.create(), 'tree');
      const owner = await startOwner(context, { commands: [tree.command] });
      await tree.waitForBeats();
      await context.due('the program ends once it has shut its companion down', owner.end());
      await tree.assertStops({ withinMs: 0 });
    },
  },
  {
    id: 'owner-death.survives',
    title: 'where processes are said to survive their program, they do',
    since: 1,
    requires: { ownerDeath: 'survives', filesystem: VISIBLE },
    needsModule: true,
    run: async (context) => {
      const tree = processTree(context, await context.create(), 'tree');
      const owner = await startOwner(context, { commands: [tree.command] });
      await tree.waitForBeats();
      await owner.kill();
      const hearts = Object.values(tree.hearts);
      // Long enough for any clean-up. A backend that ends them after all has to declare it: `requires` would refuse it
      // for nothing.
      await Promise.all(
        hearts.map((heart) =>
          heart.waitForBeats(BEATS_OF_A_SURVIVOR, 'what the program has started goes on'),
        ),
      );
      // A heart whose file is gone ends by itself.
      await Promise.all(hearts.map(({ file }) => rm(file.hostPath, { force: true })));
    },
  },
];
