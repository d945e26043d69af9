// What importing costs a fresh Node process, over one that imports nothing; and how many modules it loads.
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { freshProcess } from './measure/fresh-process.mjs';
import { goal, outcome } from './measure/goals.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

const BARE = 'bare node';
const COMPANION = 'core and local, registered';
const IMPORTS = {
  [BARE]: [],
  core: ['@companion/core'],
  [COMPANION]: ['@companion/core', '@companion/backend-local'],
  tinyexec: ['tinyexec'],
  execa: ['execa'],
};
/** What a backend may need when it is used, and must not load when it is registered. */
const HEAVY = /\/(execa|dockerode|cross-spawn)\//;

await figure('import-cost', 'Importing, in a fresh process', async () => {
  const contenders = Object.fromEntries(
    Object.entries(IMPORTS).map(([name, specifiers]) => [name, () => freshProcess('import.mjs', specifiers)]),
  );
  const samples = await alternate(contenders, { rounds: 40, warmups: 2, budgetMs: 15_000 });
  const loaded = {};
  for (const [name, specifiers] of Object.entries(IMPORTS)) {
    loaded[name] = (await freshProcess('count-modules.mjs', specifiers)).said;
  }
  const more = (row) => ({
    ...row,
    more: { files: loaded[row.name].files.length, 'of Node': loaded[row.name].builtins.length },
  });
  const whole = compare(samples, { baseline: BARE, relation: 'difference', value: (sample) => sample.endMs });
  const inside = compare(samples, { baseline: null, value: (sample) => sample.said.importMs });
  const cpu = compare(samples, { baseline: null, value: (sample) => sample.said.cpuMs });
  const heavy = loaded[COMPANION].files.filter((url) => HEAVY.test(url));
  return {
    tables: [
      {
        title: 'From the start of the process to its end, and the modules loaded.',
        unit: 'ms',
        baseline: BARE,
        relation: 'difference',
        columns: ['files', 'of Node'],
        rows: whole.map(more),
      },
      { title: 'The import alone, as the process itself sees it.', unit: 'ms', rows: inside },
      { title: 'CPU of the import alone: what a busy machine changes least.', unit: 'ms', rows: cpu },
    ],
    goals: [
      goal({
        what: 'importing core and registering local',
        goal: '≤ 15 ms over bare Node',
        atMost: 15,
        unit: 'ms',
        measured: rowOf(whole, COMPANION).relation,
      }),
      outcome({
        what: 'importing core and registering local',
        goal: 'no dependency of a backend loaded',
        reached: heavy.length === 0,
        measured: heavy.length === 0 ? 'none' : `${heavy.length} files`,
      }),
    ],
  };
});
