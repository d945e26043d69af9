// What it costs to find out what this machine can do, and to make a companion; cold (the first of a program) and warm.
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { freshProcess } from './measure/fresh-process.mjs';
import { goal } from './measure/goals.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

const STEPS = {
  detect: '`detect()` of all backends',
  create: '`createCompanion()`, detection included',
  init: '`init()`',
  shutdown: '`shutdown()`',
};

await figure('detect-and-create', 'Detection and creation, local backend', async () => {
  const { program } = await alternate(
    { program: async () => (await freshProcess('detect.mjs')).said },
    { rounds: 60, budgetMs: 10_000 },
  );
  const samples = {};
  for (const [step, title] of Object.entries(STEPS)) {
    samples[`${title}, cold`] = program.map(([cold]) => cold[step]);
    samples[`${title}, warm`] = program.map(([, warm]) => warm[step]);
  }
  const rows = compare(samples, { baseline: null });
  return {
    tables: [{ title: 'In a fresh process, after the import.', unit: 'ms', rows }],
    goals: [
      goal({
        what: '`detect()` of all backends together',
        goal: '≤ 5 ms without nix',
        atMost: 5,
        unit: 'ms',
        measured: rowOf(rows, `${STEPS.detect}, cold`).values,
      }),
    ],
  };
});
