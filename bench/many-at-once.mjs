// 100 and 1,000 commands started at the same moment, in a fresh process per contender.
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { freshProcess } from './measure/fresh-process.mjs';
import { outcome } from './measure/goals.mjs';
import { number } from './measure/print.mjs';
import { FLOOR } from './measure/runners.mjs';
import { compare, summarize } from './measure/statistics.mjs';

const SIZES = [
  { count: 100, rounds: 4, budgetMs: 4000, names: [FLOOR, 'tinyexec', 'execa', 'companion'] },
  { count: 1000, rounds: 1, budgetMs: 0, names: [FLOOR, 'execa', 'companion'] },
];

await figure('many-at-once', 'Many commands at once', async () => {
  const tables = [];
  let lost = 0;
  for (const { count, rounds, budgetMs, names } of SIZES) {
    const contenders = Object.fromEntries(
      names.map((name) => [name, async () => (await freshProcess('many.mjs', [name, String(count)])).said]),
    );
    const samples = await alternate(contenders, { rounds, warmups: 0, budgetMs });
    lost += samples.companion.reduce((sum, sample) => sum + sample.lost, 0);
    const median = (name, key) => number(summarize(samples[name].map((sample) => sample[key])).median);
    tables.push({
      title: `${count} × \`echo <number>\`, output and exit code checked.`,
      unit: 'commands/s',
      baseline: FLOOR,
      columns: ['MiB', 'descriptors', 'longest stall, ms', 'lost'],
      rows: compare(samples, { baseline: FLOOR, value: (sample) => sample.perSecond }).map((row) => ({
        ...row,
        more: {
          MiB: median(row.name, 'memoryMiB'),
          descriptors: Math.max(...samples[row.name].map((sample) => sample.descriptors)),
          'longest stall, ms': median(row.name, 'stallMs'),
          lost: samples[row.name].reduce((sum, sample) => sum + sample.lost, 0),
        },
      })),
    });
  }
  return {
    tables,
    goals: [
      outcome({
        what: '100 and 1,000 commands at once, local backend',
        goal: '0 lost',
        reached: lost === 0,
        measured: `${lost} lost`,
      }),
    ],
  };
});
