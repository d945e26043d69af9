import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

const module = new URL('../fixtures/faulty-owners.mjs', import.meta.url).href;

/** Faults that show in the program that holds an environment, most of them when it ends. */
export const ownerDeathMutants: readonly Mutant[] = [
  {
    id: 'owner-death/survives',
    breaks: 'What runs inside dies with its owner: it survives.',
    failedBy: ['owner-death.killed'],
    backend: (real) => wrap(real),
    module: `${module}#surviving`,
  },
  {
    id: 'owner-death/clings',
    breaks: 'After shutdown() the program can end: a timer keeps it alive.',
    failedBy: ['owner-death.orderly-end'],
    backend: (real) => wrap(real),
    module: `${module}#clinging`,
  },
  {
    id: 'owner-death/closes-its-input',
    breaks: "With stdin `inherit` a process reads this program's own input: it gets end-of-file.",
    failedBy: ['stdin.inherited'],
    backend: (real) => wrap(real),
    module: `${module}#closed`,
  },
];
