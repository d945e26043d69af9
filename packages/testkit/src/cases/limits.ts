import assert from 'node:assert/strict';
import type { LimitOptions } from '@companion/core';
import { assertNames } from '../assert-names.js';
import { selectAmong } from '../automatic-selection.js';
import type { ConformanceCase } from '../case.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

const MIB = 1024 * 1024;

/** Doubles a variable until something stops it. */
const EAT_MEMORY = 'text=0123456789abcdef; while :; do text=$text$text; done';

/** What an environment may use. */
export const limitsCases: readonly ConformanceCase[] = [
  {
    id: 'limits.memory',
    title: 'a process that takes more memory than it may is ended, and the reason is said',
    since: 1,
    requires: { limits: true },
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.start({ limits: { memoryBytes: 64 * MIB } });
      const result = await runner.run(...sh(EAT_MEMORY), { reject: false });
      assert.equal(result.reason, 'out-of-memory', 'the verdict must say that memory ran out');
      assert.equal(result.signal, 'SIGKILL', 'and how it ended');
      const demand = 'a run whose memory ran out';
      const failure = await rejectsWith(runner.run(...sh(EAT_MEMORY)), 'COMPANION_COMMAND_FAILED', demand);
      assertNames(failure, ['memory'], demand);
      const { stdout } = await runner.run(...sh('echo works'));
      assert.equal(stdout, 'works\n', 'the environment must outlive the process');
    },
  },
  {
    id: 'limits.memory-unreached',
    title: 'a process that is killed below its limit is not said to have run out of memory',
    since: 1,
    requires: { limits: true },
    run: async (context) => {
      const runner = await context.start({ limits: { memoryBytes: 64 * MIB } });
      const result = await runner.run(...sh('kill -KILL $$'), { reject: false });
      assert.equal(result.reason, 'signaled', 'SIGKILL alone is no proof');
      assert.equal(result.signal, 'SIGKILL', 'and the signal must be reported');
    },
  },
  {
    id: 'limits.processes',
    title: 'no more processes run at once than may',
    since: 1,
    requires: { limits: true },
    run: async (context) => {
      const runner = await context.start({ limits: { processes: 20 } });
      // A shell that cannot fork gives up: what it has started until then is what it may.
      const script =
        'started=0; while [ $started -lt 60 ]; do sleep 30 > /dev/null 2>&1 & started=$((started + 1)); echo $started; done';
      const result = await runner.run(...sh(`${script} 2>/dev/null`), {
        reject: false,
        timeoutMs: 10_000,
        killGraceMs: 0,
      });
      const last = Number(result.stdout.trim().split('\n').at(-1));
      assert.ok(last < 20, `60 processes were asked for, 20 are allowed, ${last} were started`);
    },
  },
  {
    id: 'limits.cpus',
    title: 'processes get no more processor time than they may',
    since: 1,
    requires: { limits: true },
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.start({ limits: { cpus: 0.25 } });
      const script =
        'end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do count=0; while [ $count -lt 20000 ]; do count=$((count + 1)); done; done; times';
      const startedAt = performance.now();
      const { stdout } = await runner.run(...sh(script));
      const elapsedSeconds = (performance.now() - startedAt) / 1000;
      const usedSeconds = secondsIn(stdout);
      assert.ok(
        usedSeconds < elapsedSeconds * 0.5,
        `a quarter of a processor is allowed, ${usedSeconds} s of ${elapsedSeconds} s were used`,
      );
    },
  },
  {
    id: 'limits.refused',
    title: 'limits are refused where the backend cannot enforce them, never ignored',
    since: 1,
    requires: { limits: false },
    run: async (context) => {
      const each: readonly LimitOptions[] = [{ memoryBytes: 512 * MIB }, { cpus: 0.5 }, { processes: 500 }];
      for (const limits of each) {
        const demand = `the limit ${JSON.stringify(limits)}`;
        const preferred = await rejectsWith(context.create({ limits }), 'COMPANION_UNSUPPORTED', demand);
        assertNames(preferred, [context.backend.name, 'limits'], demand);
        const automatic = selectAmong(context, [context.backend], { limits });
        assertNames(await rejectsWith(automatic, 'COMPANION_NO_BACKEND', demand), ['limits'], demand);
      }
    },
  },
  {
    id: 'limits.invalid',
    title: "a limit that cannot be is the caller's mistake",
    since: 1,
    requires: {},
    run: async (context) => {
      const impossible: readonly LimitOptions[] = [
        { memoryBytes: 0 },
        { memoryBytes: -1 },
        { memoryBytes: 1.5 },
        { cpus: 0 },
        { cpus: Number.NaN },
        { processes: 0 },
        { processes: 2.5 },
      ];
      for (const limits of impossible) {
        const demand = `${Object.entries(limits).join(' ')} must be refused`;
        await assert.rejects(context.create({ limits }), TypeError, demand);
      }
    },
  },
];

/** What `times` prints: user and system time of the shell, then of its children, as `0m1.25s`. */
function secondsIn(times: string): number {
  const found = [...times.matchAll(/(\d+)m([\d.]+)s/g)];
  assert.equal(found.length, 4, `times must tell four times, it says ${JSON.stringify(times)}`);
  return found.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
