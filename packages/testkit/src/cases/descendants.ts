import assert from 'node:assert/strict';
import type { CompanionProcess, CompanionRunner } from '@companion/core';
import type { CaseContext, ConformanceCase } from '../case.js';
import { isAliveInside } from '../liveness.js';
import { throwsWith } from '../rejects-with.js';
import { sh } from '../shell.js';
import { waitUntil } from '../wait-until.js';

/**
 * Leaves a `cat` behind that reads from the pipe `$1` as long as somebody holds its other end. Opening that end waits
 * for the reader, so that after `ready` it has its own name for certain.
 */
const LEAVES_CAT = 'mkfifo "$1"; cat "$1" > /dev/null & exec 3> "$1"; echo ready; read -r _; exit 3';
/** Holds the other end of the pipe `$1`, which now needs no name any more, until its own input ends. */
const HOLDS = 'exec 3> "$1"; rm "$1"; echo holding; read -r _; exit 0';

/** Seeing what a process has started. */
export const descendantsCases: readonly ConformanceCase[] = [
  {
    id: 'descendants.wait-on',
    title:
      "waitOn() keeps wait() pending until the descendant of that name has ended, with the process's own verdict",
    since: 1,
    requires: { descendants: true },
    run: async (context) => {
      const runner = await context.start();
      const { running, holder } = await leaveCat(context, runner, (process) => process.waitOn('cat'));
      let settled = false;
      const waiting = running.wait().finally(() => {
        settled = true;
      });
      await untilGone(context, runner, running);
      assert.equal(settled, false, 'wait() must wait for the descendant');
      assert.equal(running.isRunning(), true, 'the process must count as running until then');
      holder.stdin.end();
      assert.deepEqual(
        await context.due('wait() must end with the descendant', waiting),
        { code: 3, signal: null },
        'the verdict must be that of the process itself',
      );
      assert.equal(running.isRunning(), false, 'it must have ended then');
    },
  },
  {
    id: 'descendants.other-names',
    title: 'without waitOn(), and with another name, descendants delay nothing',
    since: 1,
    requires: { descendants: true },
    run: async (context) => {
      const runner = await context.start();
      for (const shape of [
        (process: CompanionProcess) => process,
        (process: CompanionProcess) => process.waitOn('companion-no-such-name'),
      ]) {
        const { running, holder } = await leaveCat(context, runner, shape);
        const status = await context.due('wait() must not wait for others', running.wait());
        assert.deepEqual(status, { code: 3, signal: null }, 'the verdict must be that of the process itself');
        await context.due('stop() must be of its own tree alone', running.stop());
        holder.stdin.end();
        assert.deepEqual(
          await context.due('a process outside the tree goes on to its own end', holder.wait()),
          { code: 0, signal: null },
          'stop() must be of its own tree alone',
        );
      }
    },
  },
  {
    id: 'descendants.stopped',
    title: 'stop() ends the descendant that is waited for',
    since: 1,
    requires: { descendants: true, killTree: true },
    run: async (context) => {
      const runner = await context.start();
      const { running } = await leaveCat(context, runner, (process) => process.waitOn('cat'));
      await untilGone(context, runner, running);
      const [status] = await context.due(
        'stop() ends the descendant that is waited for',
        Promise.all([running.wait(), running.stop()]),
      );
      assert.deepEqual(status, { code: 3, signal: null }, 'the verdict must be that of the process itself');
    },
  },
  {
    id: 'descendants.refused',
    title: 'waitOn() is refused where the backend cannot see descendants, never ignored',
    since: 1,
    requires: { descendants: false },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      throwsWith(() => runner.newProcess('sh').waitOn('cat'), 'COMPANION_UNSUPPORTED', 'waitOn()');
    },
  },
];

/** A process that has been told to end and has left a `cat` behind, which lives as long as `holder`'s input is open. */
async function leaveCat(
  { due }: CaseContext,
  runner: CompanionRunner,
  shape: (process: CompanionProcess) => CompanionProcess,
): Promise<{ running: CompanionProcess; holder: CompanionProcess }> {
  const { stdout } = await runner.run(...sh('name=$(mktemp -u) && echo "$name"'));
  const pipe = stdout.trim();
  const [file, args] = sh(LEAVES_CAT, pipe);
  const running = shape(runner.newProcess(file, ...args).withStdin());
  await running.start();
  await due('a process with a descendant runs', runner.waitForLine(running, 'ready'));
  const holder = await runner.spawn(...sh(HOLDS, pipe));
  await due('a process beside it runs', runner.waitForLine(holder, 'holding'));
  running.stdin.end('end\n');
  return { running, holder };
}

/** Resolves once the process itself has ended, whatever it has left behind. */
async function untilGone(
  { signal }: CaseContext,
  runner: CompanionRunner,
  { pid }: CompanionProcess,
): Promise<void> {
  assert.ok(pid !== null, 'a process that runs must have a pid');
  await waitUntil(async () => !(await isAliveInside(runner, pid)), {
    what: `the end of process ${pid}`,
    signal,
  });
}
