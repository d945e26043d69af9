// What a short command costs from the call to output and exit code, one after another, in a warm program.
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { goal } from './measure/goals.mjs';
import { commandRunners, DIRECT, FLOOR } from './measure/runners.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

const COMMANDS_PER_SAMPLE = 10;

await figure(
  'short-command',
  'Short command: `echo hi`, output and exit code, one after another',
  async () => {
    const { run, close } = await commandRunners();
    const contenders = Object.fromEntries(
      Object.entries(run).map(([name, command]) => [name, () => sample(command)]),
    );
    const samples = await alternate(contenders, { rounds: 60, warmups: 3 });
    await close();
    const rows = compare(samples, { baseline: FLOOR });
    return {
      tables: [
        { title: `Per command, from samples of ${COMMANDS_PER_SAMPLE}.`, unit: 'ms', baseline: FLOOR, rows },
      ],
      goals: [
        goal({
          what: 'short command, local backend',
          goal: `≤ 0.6 × ${FLOOR}`,
          atMost: 0.6,
          unit: '×',
          measured: rowOf(rows, 'companion').relation,
        }),
        goal({
          what: 'short command, local backend without supervisor',
          goal: `≤ 1.15 × ${FLOOR}`,
          atMost: 1.15,
          unit: '×',
          measured: rowOf(rows, DIRECT).relation,
        }),
      ],
    };
  },
);

/** Milliseconds per command. */
async function sample(command) {
  const startedAt = performance.now();
  for (let number = 0; number < COMMANDS_PER_SAMPLE; number++) {
    const { stdout, code } = await command('echo', ['hi']);
    if (stdout !== 'hi\n' || code !== 0) throw new Error(`got ${JSON.stringify({ stdout, code })}`);
  }
  return (performance.now() - startedAt) / COMMANDS_PER_SAMPLE;
}
