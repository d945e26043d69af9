// How many short commands per second come out when 1, 8 or 32 run at the same time.
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { commandRunners, FLOOR } from './measure/runners.mjs';
import { compare } from './measure/statistics.mjs';

const COMMANDS = 200;
/** 200 commands per contender in every table, in rounds that alternate. */
const ROUNDS = 4;
const LEVELS = [1, 8, 32];

await figure('concurrency', `${COMMANDS} commands at a concurrency of 1, 8 and 32`, async () => {
  const { run, close } = await commandRunners();
  const tables = [];
  for (const level of LEVELS) {
    const contenders = Object.fromEntries(
      Object.entries(run).map(([name, command]) => [name, () => commandsPerSecond(command, level)]),
    );
    const samples = await alternate(contenders, {
      rounds: ROUNDS,
      warmups: level === 1 ? 1 : 0,
      budgetMs: 5500,
    });
    tables.push({
      title: `Concurrency ${level}: \`echo <number>\`, output and exit code checked.`,
      unit: 'commands/s',
      baseline: FLOOR,
      rows: compare(samples, { baseline: FLOOR }),
    });
  }
  await close();
  return { tables };
});

async function commandsPerSecond(command, level) {
  const count = COMMANDS / ROUNDS;
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const number = String(next++);
      const { stdout, code } = await command('echo', [number]);
      if (stdout !== `${number}\n` || code !== 0)
        throw new Error(`${number}: got ${JSON.stringify({ stdout, code })}`);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: level }, worker));
  return (count * 1000) / (performance.now() - startedAt);
}
