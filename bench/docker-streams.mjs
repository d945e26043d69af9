// Output and round trips of programs in a container, beside the engine's own streams and a pipe on this machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { alternate } from './measure/alternate.mjs';
import { ATTACH, COMMAND, createIdle, DOCKERODE, openContainers, SOCKET } from './measure/containers.mjs';
import { engineFigure } from './measure/engine.mjs';
import { goal } from './measure/goals.mjs';
import { compare, rowOf } from './measure/statistics.mjs';
import { each, mebibytesPerSecond, microsecondsPerTrip } from './measure/work.mjs';

const LOCAL = 'local pipe';
const RAW = 'raw attached bytes';
const MEBIBYTES = 128;
const OUTPUT = ['dd', ['if=/dev/zero', 'bs=1048576', `count=${MEBIBYTES}`]];
const MESSAGE = Buffer.alloc(200, 'm');
const TRIPS = 100;

await engineFigure('docker-streams', 'Streams of a container', async (engine) => {
  const { containers, ways, close } = await openContainers(engine, [DOCKERODE, COMMAND, SOCKET, ATTACH]);
  const streams = await alternate(
    {
      [LOCAL]: mebibytesPerSecond(
        () => spawn(...OUTPUT, { stdio: ['ignore', 'pipe', 'ignore'] }).stdout,
        MEBIBYTES,
      ),
      [RAW]: () => rawAttached(engine),
      ...Object.fromEntries(
        [DOCKERODE, SOCKET, ATTACH].map((name) => [
          name,
          mebibytesPerSecond(async () => outputOf(await containers[name].start(...OUTPUT)), MEBIBYTES),
        ]),
      ),
    },
    { rounds: 24, budgetMs: 25_000 },
  );
  const peers = { [LOCAL]: spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] }) };
  for (const [name, start] of Object.entries(ways('start'))) peers[name] = await start('cat', []);
  const trips = await alternate(
    each(peers, (peer) => microsecondsPerTrip(peer, MESSAGE, TRIPS)),
    { rounds: 200, warmups: 3, budgetMs: 10_000 },
  );
  for (const { stdin } of Object.values(peers)) stdin.end();
  await once(peers[LOCAL], 'close');
  await close();
  const of = (samples, baseline) => compare(samples, { baseline });
  const output = [LOCAL, RAW, DOCKERODE].map((baseline) => ({
    title: `${MEBIBYTES} MiB of output, counted, beside ${baseline}.`,
    unit: 'MiB/s',
    baseline,
    rows: of(streams, baseline),
  }));
  const [besideLocal, besideRaw, besideDockerode] = output.map(({ rows }) => rows);
  const tripRows = of(trips, DOCKERODE);
  return {
    tables: [
      ...output,
      {
        title: `Round trip of ${MESSAGE.length} bytes through \`cat\`.`,
        unit: 'µs',
        baseline: DOCKERODE,
        rows: tripRows,
      },
    ],
    goals: [
      goal({
        what: 'output of a container, socket',
        goal: '≥ 0.6 × a local pipe',
        atLeast: 0.6,
        unit: '×',
        measured: rowOf(besideLocal, SOCKET).relation,
      }),
      goal({
        what: 'output of a container, attach',
        goal: '≥ 0.9 × the raw attached bytes',
        atLeast: 0.9,
        unit: '×',
        measured: rowOf(besideRaw, ATTACH).relation,
      }),
      goal({
        what: 'output of a container, attach',
        goal: '≥ 1.3 × dockerode’s demultiplexer',
        atLeast: 1.3,
        unit: '×',
        measured: rowOf(besideDockerode, ATTACH).relation,
      }),
      goal({
        what: `round trip of ${MESSAGE.length} bytes, socket`,
        goal: `≤ 0.5 × ${DOCKERODE}`,
        atMost: 0.5,
        unit: '×',
        measured: rowOf(tripRows, SOCKET).relation,
      }),
    ],
  };
});

function outputOf({ stdout, stderr }) {
  stderr.resume();
  return stdout;
}

/** What the engine's own attach brings, headers and all, of a container whose only process writes: nothing is looked at. */
async function rawAttached(engine) {
  const [program, words] = OUTPUT;
  const container = await createIdle(engine, {
    // Begins when it is told to: the container's start is another figure.
    Cmd: ['sh', '-c', `read go; exec ${program} ${words.join(' ')} 2>/dev/null`],
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await container.attach({
    stream: true,
    hijack: true,
    stdin: true,
    stdout: true,
    stderr: true,
  });
  await container.start();
  const startedAt = performance.now();
  stream.write('\n');
  let bytes = 0;
  const milliseconds = await new Promise((resolve, reject) => {
    stream.on('data', (chunk) => {
      bytes += chunk.length;
      // Of the headers at its end nobody waits for the last.
      if (bytes >= MEBIBYTES * 2 ** 20) resolve(performance.now() - startedAt);
    });
    stream.once('end', () => reject(new Error(`only ${bytes} bytes came`)));
  });
  const ended = container.wait({ condition: 'removed' });
  stream.end();
  await ended.catch(() => {});
  return (MEBIBYTES * 1000) / milliseconds;
}
