// For how long one command stops the event loop of a small and of a big process: spawn() forks, and a fork copies the
// page tables of all resident memory.
import { figure } from './measure/figure.mjs';
import { freshProcess } from './measure/fresh-process.mjs';
import { goal } from './measure/goals.mjs';
import { FLOOR } from './measure/runners.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

const COMMANDS = 20;
const BALLAST_MIB = [0, 512, 2048];
const NAMES = [FLOOR, 'execa', 'companion'];

await figure('event-loop-block', 'Event loop blocked per command, by resident memory', async () => {
  const tables = [];
  for (const mebibytes of BALLAST_MIB) {
    const samples = {};
    let residentMiB = 0;
    for (const name of NAMES) {
      const { said } = await freshProcess('loop-block.mjs', [name, String(mebibytes), String(COMMANDS)]);
      samples[name] = said.blocks;
      residentMiB = Math.max(residentMiB, said.residentMiB);
    }
    tables.push({
      title: `${Math.round(residentMiB)} MiB resident: longest block during each of ${COMMANDS} commands.`,
      unit: 'ms',
      baseline: FLOOR,
      rows: compare(samples, { baseline: FLOOR }),
    });
  }
  const largest = tables.at(-1).rows;
  return {
    tables,
    goals: [
      goal({
        what: 'event loop blocked per command in a process of 2 GB',
        goal: '≤ 1 ms',
        atMost: 1,
        unit: 'ms',
        measured: rowOf(largest, 'companion').values,
      }),
    ],
  };
});
