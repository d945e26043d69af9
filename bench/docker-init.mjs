// From nothing to a container that has said something, and back to nothing.
import { once } from 'node:events';
import { alternate } from './measure/alternate.mjs';
import { companionIn, createIdle } from './measure/containers.mjs';
import { engineFigure } from './measure/engine.mjs';
import { goal } from './measure/goals.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

const RAW = 'create, attach, start, first output';
const INIT = 'companion init()';
const FIRST = 'companion init(), first command';
const NETWORKS = { none: 'without a network', default: 'on the default network' };

await engineFigure('docker-init', 'Start and end of a container, image present', async (engine) => {
  const tables = [];
  const goals = [];
  for (const [network, words] of Object.entries(NETWORKS)) {
    const samples = await alternate(
      {
        [RAW]: () => rawStart(engine, network),
        [INIT]: () => companionStart(engine, network, () => {}),
        [FIRST]: () => companionStart(engine, network, (companion) => companion.run('true')),
      },
      { rounds: 30, warmups: 2, budgetMs: 15_000 },
    );
    const rows = compare(samples, { baseline: RAW, value: ({ start }) => start });
    const title = `A container ${words}, in a warm program.`;
    tables.push({ title, unit: 'ms', baseline: RAW, rows });
    const ends = { 'remove({ force: true })': samples[RAW], 'companion shutdown()': samples[INIT] };
    tables.push({
      title: 'Its end.',
      unit: 'ms',
      baseline: 'remove({ force: true })',
      rows: compare(ends, { baseline: 'remove({ force: true })', value: ({ end }) => end }),
    });
    goals.push(
      goal({
        what: `init() of a container ${words}`,
        goal: '≤ 1.1 × raw create, start, first output',
        atMost: 1.1,
        unit: '×',
        measured: rowOf(rows, INIT).relation,
      }),
    );
  }
  return { tables, goals };
});

async function rawStart(engine, network) {
  const startedAt = performance.now();
  const container = await createIdle(engine, {
    Cmd: ['sh', '-c', 'echo hi; exec sleep 100000'],
    AttachStdout: true,
    HostConfig: network === 'none' ? {} : { NetworkMode: 'default' },
  });
  const stream = await container.attach({ stream: true, stdout: true });
  const said = once(stream, 'data');
  await container.start();
  await said;
  const start = performance.now() - startedAt;
  return { start, end: await elapsed(() => container.remove({ force: true })) };
}

async function companionStart(engine, network, use) {
  const companion = await companionIn(engine, network);
  const start = await elapsed(async () => {
    await companion.init();
    await use(companion);
  });
  return { start, end: await elapsed(() => companion.shutdown()) };
}

async function elapsed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
