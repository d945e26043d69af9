// What the supervisor costs where nothing else comes between: on this machine, over pipes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { goal } from './measure/goals.mjs';
import { FLOOR, runByHand } from './measure/runners.mjs';
import { compare, rowOf } from './measure/statistics.mjs';
import { startSupervisor } from './measure/supervised.mjs';
import {
  commandsPerSecond,
  each,
  mebibytesPerSecond,
  microsecondsPerTrip,
  millisecondsPerCommand,
} from './measure/work.mjs';

const THROUGH = 'through the supervisor';
const RAW = 'raw pipe';
const COMMANDS = 200;
const CONCURRENCY = 8;
const MEBIBYTES = 256;
const MESSAGE = Buffer.alloc(200, 'm');
const TRIPS = 300;

await figure('supervisor', 'The supervisor on this machine, over pipes', async () => {
  const supervisor = await startSupervisor();
  const ways = { [FLOOR]: runByHand, [THROUGH]: supervisor.run };
  const short = await alternate(
    each(ways, (run) => millisecondsPerCommand(run)),
    {
      rounds: 60,
      // A session lives for thousands of commands: what the first hundreds pay for compiling the client is theirs alone.
      warmups: 60,
      budgetMs: 10_000,
    },
  );
  const many = await alternate(
    each(ways, (run) => commandsPerSecond(run, COMMANDS, CONCURRENCY)),
    { rounds: 8, budgetMs: 10_000 },
  );
  const streams = await alternate(
    each(outputs(supervisor), (open) => mebibytesPerSecond(open, MEBIBYTES)),
    {
      rounds: 16,
      budgetMs: 10_000,
    },
  );
  const peers = {
    [RAW]: spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] }),
    [THROUGH]: await supervisor.start('cat', [], 'pipe'),
  };
  const trips = await alternate(
    each(peers, (peer) => microsecondsPerTrip(peer, MESSAGE, TRIPS)),
    { rounds: 100, warmups: 5, budgetMs: 10_000 },
  );
  for (const { stdin } of Object.values(peers)) stdin.end();
  await Promise.all([once(peers[RAW], 'close'), peers[THROUGH].exited]);
  await supervisor.close();
  const tables = [
    table('`echo hi`, output and exit code, one after another, after 600 of each.', 'ms', FLOOR, short),
    table(`${COMMANDS} commands, ${CONCURRENCY} at a time.`, 'commands/s', FLOOR, many),
    table(`${MEBIBYTES} MiB of output, counted.`, 'MiB/s', RAW, streams),
    table(`Round trip of ${MESSAGE.length} bytes through \`cat\`.`, 'µs', RAW, trips),
  ];
  const [ofShort, ofMany, ofStreams, ofTrips] = tables.map(({ rows }) => rowOf(rows, THROUGH).relation);
  return {
    tables,
    goals: [
      goal({
        what: 'short command through the supervisor',
        goal: `≤ 0.6 × ${FLOOR}`,
        atMost: 0.6,
        unit: '×',
        measured: ofShort,
      }),
      goal({
        what: `${COMMANDS} commands at concurrency ${CONCURRENCY}`,
        goal: `≥ 3 × ${FLOOR}`,
        atLeast: 3,
        unit: '×',
        measured: ofMany,
      }),
      goal({
        what: 'output through the supervisor',
        goal: '≥ 0.5 × a raw pipe',
        atLeast: 0.5,
        unit: '×',
        measured: ofStreams,
      }),
      goal({
        what: 'round trip of 200 bytes through the supervisor',
        goal: '≤ 6 × a raw pipe',
        atMost: 6,
        unit: '×',
        measured: ofTrips,
      }),
    ],
  };
});

function table(title, unit, baseline, samples) {
  return { title, unit, baseline, rows: compare(samples, { baseline }) };
}

function outputs(supervisor) {
  const command = ['dd', ['if=/dev/zero', 'bs=1048576', `count=${MEBIBYTES}`, 'status=none']];
  return {
    [RAW]: async () => spawn(...command, { stdio: ['ignore', 'pipe', 'ignore'] }).stdout,
    [THROUGH]: async () => (await supervisor.start(...command, 'ignore')).stdout,
  };
}
