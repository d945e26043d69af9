// From a signal to the knowledge that the process has ended, and from a process's own end to that knowledge.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { localBackend } from '@companion/backend-local/backend';
import { startCompanion } from '@companion/core';
import { execa } from 'execa';
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { goal } from './measure/goals.mjs';
import { FLOOR } from './measure/runners.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

/** date(1) of GNU and busybox prints nanoseconds; it ends a fraction of a millisecond after it has taken the time. */
const LAST_ACT = ['date', ['+%s%N']];

await figure('stop-latency', 'Stopping a process, and noticing its end', async () => {
  const companion = await startCompanion({ backends: [localBackend], sourceDir: import.meta.dirname });
  const signalled = await alternate(signalling(companion), { rounds: 80, warmups: 3, budgetMs: 7000 });
  const noticed = await alternate(noticing(companion), { rounds: 80, warmups: 3, budgetMs: 7000 });
  await companion.shutdown();
  const stopRows = compare(signalled, { baseline: FLOOR });
  const noticeRows = compare(noticed, { baseline: FLOOR, relation: 'difference' });
  return {
    tables: [
      { title: 'SIGTERM to a `sleep`, until its end is known.', unit: 'ms', baseline: FLOOR, rows: stopRows },
      {
        title: 'A process prints the time as its last act, until its end is known.',
        unit: 'ms',
        baseline: FLOOR,
        relation: 'difference',
        rows: noticeRows,
      },
    ],
    goals: [
      goal({
        what: 'signal to exit known',
        goal: '≤ 5 ms',
        atMost: 5,
        unit: 'ms',
        measured: rowOf(stopRows, 'companion signal() and wait()').values,
      }),
      goal({
        what: 'notice of a process’s exit',
        goal: '≤ 5 ms after it',
        atMost: 5,
        unit: 'ms',
        measured: rowOf(noticeRows, 'companion').values,
      }),
    ],
  };
});

function signalling(companion) {
  return {
    [FLOOR]: async () => {
      const child = spawn('sleep', ['60'], { stdio: ['ignore', 'pipe', 'pipe'] });
      await once(child, 'spawn');
      return await elapsed(async () => {
        child.kill('SIGTERM');
        await once(child, 'exit');
      });
    },
    execa: async () => {
      const child = execa('sleep', ['60'], { stdin: 'ignore', reject: false });
      await once(child, 'spawn');
      return await elapsed(async () => {
        child.kill('SIGTERM');
        await child;
      });
    },
    'companion signal() and wait()': async () => {
      const child = await companion.spawn('sleep', ['60'], { stdin: 'ignore' });
      return await elapsed(async () => {
        await child.signal('SIGTERM');
        await child.wait();
      });
    },
    'companion stop(), whole tree': async () => {
      const child = await companion.spawn('sleep', ['60'], { stdin: 'ignore' });
      return await elapsed(() => child.stop());
    },
  };
}

async function elapsed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function noticing(companion) {
  const since = (text, knownAt) => knownAt - Number(text) / 1e6;
  const now = () => performance.timeOrigin + performance.now();
  return {
    [FLOOR]: async () => {
      const child = spawn(...LAST_ACT, { stdio: ['ignore', 'pipe', 'pipe'] });
      const text = child.stdout.setEncoding('utf8').toArray();
      await once(child, 'exit');
      const knownAt = now();
      return since((await text).join(''), knownAt);
    },
    execa: async () => {
      const { stdout } = await execa(...LAST_ACT, { stdin: 'ignore' });
      return since(stdout, now());
    },
    companion: async () => {
      const child = await companion.spawn(...LAST_ACT, { stdin: 'ignore' });
      const text = child.stdout.setEncoding('utf8').toArray();
      await child.wait();
      const knownAt = now();
      return since((await text).join(''), knownAt);
    },
    'companion run()': async () => {
      const { stdout } = await companion.run(...LAST_ACT);
      return since(stdout, now());
    },
  };
}
