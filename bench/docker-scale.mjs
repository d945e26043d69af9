// A container under load: a reader that does not read, a thousand commands at once, a large program, a signal.
import { once } from 'node:events';
import { alternate } from './measure/alternate.mjs';
import { ATTACH, DOCKERODE, openContainers, SOCKET } from './measure/containers.mjs';
import { engineFigure } from './measure/engine.mjs';
import { freshProcess } from './measure/fresh-process.mjs';
import { goal, outcome } from './measure/goals.mjs';
import { number } from './measure/print.mjs';
import { FLOOR } from './measure/runners.mjs';
import { compare, rowOf, summarize } from './measure/statistics.mjs';

const SECONDS = 5;
const AT_ONCE = 1000;
/** Through the engine 1,000 would take a minute. */
const AT_ONCE_OF_PEER = 100;
const BALLAST_MIB = 2048;

await engineFigure('docker-scale', 'A container under load', async (engine) => {
  const parts = [];
  for (const part of [slowReaders, atOnce, loopBlock, signals]) parts.push(await part(engine));
  return { tables: parts.map(({ table }) => table), goals: parts.flatMap(({ goals }) => goals) };
});

async function slowReaders(engine) {
  const readers = [
    [DOCKERODE, 'read slowly'],
    ...[SOCKET, ATTACH].flatMap((name) => ['never read', 'read slowly'].map((how) => [name, how])),
  ];
  const samples = Object.fromEntries(readers.map((reader) => [reader.join(', '), []]));
  for (let round = 0; round < 3; round++) {
    for (const [name, how] of readers) {
      const { said } = await freshProcess(
        'stuck-container-reader.mjs',
        [name, how, String(SECONDS * 1000), JSON.stringify(engine)],
        ['--expose-gc'],
      );
      samples[`${name}, ${how}`].push(said.growthMiB);
    }
  }
  const rows = compare(samples, { baseline: null });
  const own = rows.filter(({ name }) => !name.startsWith(DOCKERODE)).map(({ values }) => values);
  const worst = own.reduce((most, values) => (values.median > most.median ? values : most));
  return {
    table: {
      title: `Growth of this process in ${SECONDS} s of output that is not read, or slowly.`,
      unit: 'MiB',
      rows,
    },
    goals: [
      goal({
        what: 'memory growth with a stuck or slow reader of a container (the worst of four)',
        goal: '≤ 32 MiB',
        atMost: 32,
        unit: 'MiB',
        measured: worst,
      }),
    ],
  };
}

async function atOnce(engine) {
  const contenders = Object.fromEntries(
    [DOCKERODE, SOCKET, ATTACH].map((name) => {
      const count = name === DOCKERODE ? AT_ONCE_OF_PEER : AT_ONCE;
      return [
        name,
        async () => (await freshProcess('many.mjs', [name, `${count}`, JSON.stringify(engine)])).said,
      ];
    }),
  );
  const samples = await alternate(contenders, { rounds: 5, warmups: 0, budgetMs: 60_000 });
  const of = (name, key) => summarize(samples[name].map((sample) => sample[key]));
  const rows = compare(samples, { baseline: DOCKERODE, value: ({ perSecond }) => perSecond }).map((row) => ({
    ...row,
    more: {
      MiB: number(of(row.name, 'memoryMiB').median),
      'longest stall, ms': number(of(row.name, 'stallMs').median),
      lost: samples[row.name].reduce((sum, { lost }) => sum + lost, 0),
    },
  }));
  const lost = rowOf(rows, SOCKET).more.lost + rowOf(rows, ATTACH).more.lost;
  const what = `${AT_ONCE} commands at once in one container`;
  return {
    table: {
      title: `${AT_ONCE} commands started at the same moment (${AT_ONCE_OF_PEER} through dockerode).`,
      unit: 'commands/s',
      baseline: DOCKERODE,
      columns: ['MiB', 'longest stall, ms', 'lost'],
      rows,
    },
    goals: [
      goal({ what, goal: '≥ 1,000/s', atLeast: 1000, unit: '/s', measured: rowOf(rows, SOCKET).values }),
      goal({
        what,
        goal: 'event loop never stalled over 50 ms',
        atMost: 50,
        unit: 'ms',
        measured: of(SOCKET, 'stallMs'),
      }),
      goal({ what, goal: '≤ 32 MiB', atMost: 32, unit: 'MiB', measured: of(SOCKET, 'memoryMiB') }),
      outcome({ what, goal: '0 lost', reached: lost === 0, measured: `${lost} lost` }),
    ],
  };
}

async function loopBlock(engine) {
  const samples = {};
  for (const name of [FLOOR, DOCKERODE, SOCKET]) {
    const words = [name, `${BALLAST_MIB}`, '20', JSON.stringify(engine)];
    samples[name] = (await freshProcess('loop-block.mjs', words)).said.blocks;
  }
  const rows = compare(samples, { baseline: FLOOR });
  return {
    table: {
      title: `Event loop of a process of 2 GiB: longest block during each of 20 commands.`,
      unit: 'ms',
      baseline: FLOOR,
      rows,
    },
    goals: [
      goal({
        what: 'event loop blocked per command in a 2 GB process, container',
        goal: '≤ 1 ms',
        atMost: 1,
        unit: 'ms',
        measured: rowOf(rows, SOCKET).values,
      }),
    ],
  };
}

async function signals(engine) {
  const { containers, close } = await openContainers(engine, [DOCKERODE, SOCKET, ATTACH]);
  const ofCompanion = (name) => async () => {
    const child = await containers[name].start('sleep', ['60']);
    return await elapsed(async () => {
      await child.signal('SIGTERM');
      await child.wait();
    });
  };
  const samples = await alternate(
    {
      [DOCKERODE]: async () => {
        const { start, run } = containers[DOCKERODE];
        const child = await start('sh', ['-c', 'echo $$; exec sleep 60']);
        const [pid] = await once(child.stdout, 'data');
        return await elapsed(async () => {
          const ended = once(child.stdin, 'end');
          await run('kill', [String(pid).trim()]);
          await ended;
          await child.exec.inspect();
        });
      },
      [SOCKET]: ofCompanion(SOCKET),
      [ATTACH]: ofCompanion(ATTACH),
    },
    { rounds: 40, warmups: 2, budgetMs: 12_000 },
  );
  await close();
  const rows = compare(samples, { baseline: DOCKERODE });
  return {
    table: { title: 'SIGTERM to a `sleep`, until its end is known.', unit: 'ms', baseline: DOCKERODE, rows },
    goals: [
      goal({
        what: 'signal to exit known, container',
        goal: '≤ 5 ms',
        atMost: 5,
        unit: 'ms',
        measured: rowOf(rows, SOCKET).values,
      }),
    ],
  };
}

async function elapsed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
