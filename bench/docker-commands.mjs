// Short commands in a running container, one after another and many at a time.
import { alternate } from './measure/alternate.mjs';
import { ATTACH, COMMAND, DOCKERODE, openContainers, SOCKET, TESTCONTAINERS } from './measure/containers.mjs';
import { engineFigure } from './measure/engine.mjs';
import { goal } from './measure/goals.mjs';
import { FLOOR, runByHand } from './measure/runners.mjs';
import { compare, rowOf } from './measure/statistics.mjs';
import { commandsPerSecond, each, millisecondsPerCommand } from './measure/work.mjs';

const COMMANDS = 200;
const CONCURRENCY = 8;

await engineFigure('docker-commands', 'Commands in a running container', async (engine) => {
  const { ways, close } = await openContainers(engine, [DOCKERODE, TESTCONTAINERS, COMMAND, SOCKET, ATTACH]);
  const runs = { [FLOOR]: runByHand, ...ways('run') };
  const of = (names) => Object.fromEntries(Object.entries(runs).filter(([name]) => names.includes(name)));
  const besideHost = await alternate(
    each(of([FLOOR, SOCKET, ATTACH]), (run) => millisecondsPerCommand(run)),
    // A session lives for thousands of commands: what the first hundreds pay for compiling the client is theirs alone.
    { rounds: 60, warmups: 60, budgetMs: 15_000 },
  );
  // Apart: what an engine still does after an exec would be measured with the next command of somebody else.
  const besideEngine = await alternate(
    each(of([DOCKERODE, TESTCONTAINERS, COMMAND, SOCKET, ATTACH]), (run) => millisecondsPerCommand(run, 4)),
    { rounds: 60, budgetMs: 15_000 },
  );
  // Each takes long enough to be measured; nobody else as long as 200 through the engine.
  const many = await alternate(
    Object.fromEntries(
      [DOCKERODE, SOCKET, ATTACH].map((name) => [name, commandsPerSecond(runs[name], COMMANDS, CONCURRENCY)]),
    ),
    { rounds: 6, warmups: 0, budgetMs: 40_000 },
  );
  await close();
  const ofShort = compare(besideHost, { baseline: FLOOR });
  const ofPeer = compare(besideEngine, { baseline: SOCKET });
  const ofMany = compare(many, { baseline: DOCKERODE });
  return {
    tables: [
      {
        title: '`echo hi`, output and exit code, one after another, after 600 of each.',
        unit: 'ms',
        baseline: FLOOR,
        rows: ofShort,
      },
      { title: 'The same, of other ways into a container.', unit: 'ms', baseline: SOCKET, rows: ofPeer },
      {
        title: `${COMMANDS} commands, ${CONCURRENCY} at a time.`,
        unit: 'commands/s',
        baseline: DOCKERODE,
        rows: ofMany,
      },
    ],
    goals: [
      ...[SOCKET, ATTACH].map((name) =>
        goal({
          what: `short command in a container, ${name}`,
          goal: `≤ 0.5 × ${FLOOR} on the host`,
          atMost: 0.5,
          unit: '×',
          measured: rowOf(ofShort, name).relation,
        }),
      ),
      goal({
        what: 'short command in a container, socket',
        goal: `≥ 30 × faster than ${DOCKERODE}`,
        atLeast: 30,
        unit: '×',
        measured: rowOf(ofPeer, DOCKERODE).relation,
      }),
      ...[SOCKET, ATTACH].map((name) =>
        goal({
          what: `${COMMANDS} commands at concurrency ${CONCURRENCY}, ${name}`,
          goal: `≥ 40 × ${DOCKERODE}`,
          atLeast: 40,
          unit: '×',
          measured: rowOf(ofMany, name).relation,
        }),
      ),
    ],
  };
});
