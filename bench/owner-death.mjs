// A program that holds a tree of processes is killed with SIGKILL: how long until all of them are gone, if ever.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { figure } from './measure/figure.mjs';
import { fixture } from './measure/fresh-process.mjs';
import { goal, outcome } from './measure/goals.mjs';
import { summarize } from './measure/statistics.mjs';

const TREE_SIZE = 5;
/** Tries with companion; the peers leave everything behind, and one look suffices. */
const TRIES = { companion: 10, 'child_process.spawn': 1, execa: 1, tinyexec: 1 };
const WAIT_MS = { companion: 10_000, 'child_process.spawn': 1000, execa: 1000, tinyexec: 1000 };

await figure('owner-death', 'The owner is killed with SIGKILL', async () => {
  const rows = [];
  for (const [name, tries] of Object.entries(TRIES)) {
    const ended = [];
    for (let number = 0; number < tries; number++) ended.push(await killOwner(name, WAIT_MS[name]));
    const left = ended.map((end) => end.left);
    rows.push({
      name,
      values: summarize(ended.map((end) => end.ms)),
      relation: null,
      more: { 'left over': `${Math.max(...left)} of ${TREE_SIZE}` },
      left: Math.max(...left),
    });
  }
  const [companion] = rows;
  return {
    tables: [
      {
        title:
          'A tree of plain, `setsid`, twice-forked and daemonised processes deaf to TERM: until all are gone, or given up.',
        unit: 'ms',
        columns: ['left over'],
        rows,
      },
    ],
    goals: [
      goal({
        what: 'everything gone after the owner’s SIGKILL',
        goal: '≤ 1000 ms',
        atMost: 1000,
        unit: 'ms',
        measured: companion.values,
      }),
      outcome({
        what: 'everything gone after the owner’s SIGKILL',
        goal: 'nothing left, in any try',
        reached: companion.left === 0,
        measured: `${companion.left} left`,
      }),
    ],
  };
});

/** Kills an owner and resolves with how long its tree lived on, and how many of it are still there. */
async function killOwner(name, waitMs) {
  const owner = spawn(process.execPath, [fixture('owner.mjs'), name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids = await firstLines(owner.stdout, TREE_SIZE);
  const alive = () => pids.filter(isAlive);
  if (alive().length !== TREE_SIZE) throw new Error(`${name}: the tree was not complete`);
  const killedAt = performance.now();
  owner.kill('SIGKILL');
  while (alive().length > 0 && performance.now() - killedAt < waitMs) await delay(1);
  const ms = performance.now() - killedAt;
  const left = alive();
  for (const pid of left) process.kill(pid, 'SIGKILL');
  while (alive().length > 0) await delay(1);
  return { ms, left: left.length };
}

/** The process ids that the tree prints. */
async function firstLines(stream, count) {
  const lines = [];
  for await (const line of createInterface({ input: stream })) {
    lines.push(Number(line));
    if (lines.length === count) return lines;
  }
  throw new Error('the owner ended before its tree was complete');
}

/** A zombie is gone: only its parent has not asked yet. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
