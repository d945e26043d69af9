// A cold program that runs one command: from the start of Node to the result, and to the end of the program.
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { freshProcess } from './measure/fresh-process.mjs';
import { goal } from './measure/goals.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

const BARE = 'nothing';

await figure('first-command', 'First command of a cold program', async () => {
  const names = [BARE, 'child_process.spawn', 'tinyexec', 'execa', 'companion'];
  const contenders = Object.fromEntries(
    names.map((name) => [name, () => freshProcess('first-command.mjs', [name])]),
  );
  const samples = await alternate(contenders, { rounds: 30, warmups: 2, budgetMs: 16_000 });
  const over = (value) => compare(samples, { baseline: BARE, relation: 'difference', value });
  const result = over((sample) => sample.firstByteMs);
  return {
    tables: [
      {
        title: 'To the result of `echo hi`.',
        unit: 'ms',
        baseline: BARE,
        relation: 'difference',
        rows: result,
      },
      {
        title: 'To the end of the program, `shutdown()` included.',
        unit: 'ms',
        baseline: BARE,
        relation: 'difference',
        rows: over((sample) => sample.endMs),
      },
    ],
    goals: [
      goal({
        what: 'first command of a cold program, local',
        goal: '≤ 40 ms over bare Node',
        atMost: 40,
        unit: 'ms',
        measured: rowOf(result, 'companion').relation,
      }),
    ],
  };
});
