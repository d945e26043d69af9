// What core adds to a command: `runner.run()` against the same command through the backend's environment directly.
import { localBackend } from '@companion/backend-local/backend';
import { startCompanion } from '@companion/core';
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { goal } from './measure/goals.mjs';
import { inMemoryBackend } from './measure/in-memory-backend.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

const BARE = 'the backend alone';
const RUNNER = 'runner.run()';
const sourceDir = import.meta.dirname;

await figure('runner-overhead', 'What the runner adds to its backend, per command', async () => {
  const real = await overhead(localBackend, { commands: 25, rounds: 80, warmups: 6, budgetMs: 12_000 });
  const alone = await overhead(inMemoryBackend, { commands: 500, rounds: 20, warmups: 4, budgetMs: 4000 });
  const rows = (samples, key) =>
    compare(samples, { baseline: BARE, relation: 'difference', value: (sample) => sample[key] });
  const title = {
    real: 'CPU of this process, `echo hi` on the local backend (most of it is the fork).',
    wall: 'Time of the same commands.',
    alone: 'CPU on a backend that starts nothing and answers `hi`: the runner’s own code, warm.',
  };
  const shape = { unit: 'ms', baseline: BARE, relation: 'difference' };
  const beside = rows(real, 'cpuMs');
  const ownCode = rows(alone, 'cpuMs');
  return {
    tables: [
      { title: title.real, ...shape, rows: beside },
      { title: title.wall, ...shape, rows: rows(real, 'wallMs') },
      { title: title.alone, ...shape, rows: ownCode },
    ],
    goals: [
      goal({
        what: 'overhead of the runner over its own backend, per command, beside real processes',
        goal: '≤ 0.1 ms CPU',
        atMost: 0.1,
        unit: 'ms',
        measured: rowOf(beside, RUNNER).relation,
      }),
      goal({
        what: 'the same, the runner’s own code alone',
        goal: '≤ 0.1 ms CPU',
        atMost: 0.1,
        unit: 'ms',
        measured: rowOf(ownCode, RUNNER).relation,
      }),
    ],
  };
});

async function overhead(backend, { commands, ...rounds }) {
  const companion = await startCompanion({ backends: [backend], sourceDir });
  const { environment } = companion;
  const command = { file: 'echo', args: ['hi'], env: { ...process.env }, cwd: sourceDir, stdin: 'ignore' };
  const contenders = {
    [BARE]: async () => {
      const child = await environment.spawn(command, {});
      const [stdout] = await Promise.all([text(child.stdout), text(child.stderr), child.exited]);
      return stdout;
    },
    [RUNNER]: async () => (await companion.run('echo', ['hi'])).stdout,
  };
  const samples = await alternate(
    Object.fromEntries(
      Object.entries(contenders).map(([name, work]) => [name, () => perCommand(work, commands)]),
    ),
    rounds,
  );
  await companion.shutdown();
  return samples;
}

async function perCommand(work, commands) {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  for (let number = 0; number < commands; number++) {
    const stdout = await work();
    if (stdout !== 'hi\n') throw new Error(`got ${JSON.stringify(stdout)}`);
  }
  const wallMs = (performance.now() - startedAt) / commands;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallMs, cpuMs: (user + system) / 1000 / commands };
}

function text(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}
