import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CompanionError, type CompanionRunner, type PublishedEvent } from '@companion/core';
import type { CaseContext, ConformanceCase } from '../case.js';
import { HEARTBEAT, type Heartbeat, heartbeat } from '../heartbeat.js';
import { processTree } from '../process-tree.js';
import { rejectsWith } from '../rejects-with.js';
import { DEAF, sh } from '../shell.js';
import { assertSilent } from '../silence.js';
import { usualStartMs } from '../usual-start.js';

/** `stop()` and `shutdown()`: part of the area `lifecycle`. */
export const lifecycleEndCases: readonly ConformanceCase[] = [
  {
    id: 'lifecycle.shutdown-before-init',
    title: 'a companion that was never started can be stopped and shut down',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.create();
      await runner.stop();
      assert.equal(runner.state, 'created', 'stop() before init() must change nothing');
      await runner.shutdown();
      assert.equal(runner.state, 'shut-down', 'shutdown() must work before init()');
      await rejectsWith(runner.init(), 'COMPANION_WRONG_STATE', 'init() after shutdown()');
    },
  },
  {
    id: 'lifecycle.shutdown-twice',
    title: 'shutdown() works after stop(), twice and concurrently, and removes the environment once',
    since: 1,
    requires: {},
    run: async (context) => {
      const events: PublishedEvent[] = [];
      const runner = await context.start({ onEvent: (event) => void events.push(event) });
      const { due } = context;
      await due('stop() works, also twice at once', Promise.all([runner.stop(), runner.stop()]));
      await due('stop() works after stop()', runner.stop());
      const thrice = Promise.all([runner.shutdown(), runner.shutdown(), runner.shutdown()]);
      await due('shutdown() works after stop(), also thrice at once', thrice);
      await due('shutdown() works after shutdown()', runner.shutdown());
      await due('stop() works after shutdown()', runner.stop());
      assert.equal(runner.state, 'shut-down', 'it must stay shut down');
      const ends = events.filter(({ topic, type }) => topic === 'environment' && type === 'removed');
      assert.equal(ends.length, 1, 'the environment must be removed once');
    },
  },
  {
    id: 'lifecycle.shutdown-during-init',
    title: 'shutdown() during init() aborts it and leaves nothing running',
    since: 1,
    requires: {},
    timeoutMs: 60_000,
    run: async (context) => {
      const usualMs = await usualStartMs(context);
      await Promise.all(
        [0, 0.3, 0.6, 0.9].map(async (moment) => {
          const runner = await context.create();
          const heart = heartbeat(context, runner, `heart-${moment}`);
          runner.withPause(false).withEntrypoint(heart.command[0], ...heart.command[1]);
          const starting = runner.init().then(
            () => undefined,
            (error: unknown) => error,
          );
          // Not to synchronise: the moment is what is tested, and shutdown() must be right at every one.
          if (moment > 0) await delay(usualMs * moment, undefined, { signal: context.signal });
          await context.due('shutdown() during init() resolves', runner.shutdown());
          const error = await context.due('an init() that is shut down settles', starting);
          const isAborted = CompanionError.is(error, 'COMPANION_ABORTED');
          assert.ok(isAborted || (error === undefined && moment > 0), `init() must be aborted: ${error}`);
          assert.equal(runner.state, 'shut-down', 'shutdown() must be final');
          await assertSilent(runner, [heart], 'what was started until then is gone');
        }),
      );
    },
  },
  {
    id: 'lifecycle.shutdown-during-restart',
    title: 'shutdown() wins over an init() that waits for stop()',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      const stopping = runner.stop();
      const restarting = runner.init().then(
        () => 'ready',
        () => 'refused',
      );
      await Promise.all([stopping, runner.shutdown()]);
      assert.equal(await restarting, 'refused', 'a companion that is being shut down must not start again');
      assert.equal(runner.state, 'shut-down', 'shutdown() must be final');
    },
  },
  {
    id: 'lifecycle.dispose',
    title: 'leaving the scope of `await using` shuts the companion down',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      const running = await runner.spawn('cat');
      await context.due('disposing works', runner[Symbol.asyncDispose]());
      assert.equal(runner.state, 'shut-down', 'a disposed companion must be shut down');
      assert.equal(running.isRunning(), false, 'its processes must have ended');
    },
  },
  {
    id: 'lifecycle.stop-settles-processes',
    title: 'stop() and shutdown() give every process that still runs its verdict',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      for (const end of ['stop', 'shutdown'] as const) {
        await context.due('init() works, also after stop()', runner.init());
        const [file, args] = sh('echo ready; while :; do sleep 0.1; done');
        const running = runner.newProcess(file, ...args);
        const ending = running.run({ reject: false });
        await runner.waitForLine(running, 'ready');
        const both = Promise.all([ending, runner[end]()]);
        const [result] = await context.due(`${end}() ends a process that runs`, both);
        assert.equal(result.reason, 'stopped', `${end}() must be the reason why a run ended`);
        assert.notEqual(result.code, 0, `a run that ${end}() ended must not look successful`);
      }
    },
  },
  {
    id: 'lifecycle.stop-keeps-files',
    title: 'files in the workspace outlive stop(), and init() brings the companion back to them',
    since: 1,
    requires: {},
    run: async (context) => {
      await writeFile(join(context.directory, 'given.txt'), 'given\n');
      const runner = await context.start({ env: { GREETING: 'hello' } });
      await runner.run(...sh('echo made > made.txt'));
      await runner.stop();
      await context.due('init() brings a stopped companion back', runner.init());
      const { stdout } = await runner.run(...sh('cat given.txt made.txt; echo "$GREETING"'));
      assert.equal(stdout, 'given\nmade\nhello\n', 'files and variables must be as before');
    },
  },
  {
    id: 'lifecycle.stop-keeps-own-files',
    title: "files of the environment's own outlive stop()",
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const runner = await context.start();
      await runner.run(...sh('mkdir -p "$HOME/kept" && echo kept > "$HOME/kept/file.txt"'));
      await runner.stop();
      await runner.init();
      const { stdout } = await runner.run(...sh('cat "$HOME/kept/file.txt"'), { reject: false });
      assert.equal(stdout, 'kept\n', 'a file outside the workspace must still be there');
    },
  },
  {
    id: 'lifecycle.failed-restart-keeps-files',
    title: 'an init() that fails after stop() loses nothing of the environment that was stopped',
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const abort = new AbortController();
      let starts = 0;
      const runner = await context.start({
        onEvent: ({ type }) => {
          if (type === 'starting') starts += 1;
          if (starts === 2) abort.abort();
        },
      });
      await runner.run(...sh('echo kept > "$HOME/kept.txt"'));
      await runner.stop();
      await rejectsWith(runner.init({ signal: abort.signal }), 'COMPANION_ABORTED', 'an aborted init()');
      await context.due('init() works after one that failed', runner.init());
      const { stdout } = await runner.run(...sh('cat "$HOME/kept.txt"'), { reject: false });
      assert.equal(stdout, 'kept\n', 'a file of the environment must outlive a failed init()');
    },
  },
  {
    id: 'lifecycle.stop-ends-processes',
    title: 'after stop() no process of the companion runs, and init() starts none of them again',
    since: 1,
    requires: { killTree: false },
    run: async (context) => {
      const runner = await context.start();
      const heart = heartbeat(context, runner, 'heart');
      await runner.spawn(...heart.command);
      await heart.waitForBeats();
      await context.due('stop() ends the processes that run, and resolves', runner.stop());
      await runner.init();
      await heart.assertStops({ what: 'a process that ran before stop() is gone', withinMs: 0 });
    },
  },
  {
    id: 'lifecycle.stop-ends-descendants',
    title:
      'after stop() no descendant runs either, wherever it went and though its process ended long before',
    since: 1,
    requires: { killTree: true },
    run: async (context) => {
      const runner = await context.start();
      const tree = processTree(context, runner, 'tree');
      await runner.spawn(...tree.command);
      const left = await leaveBehind(context, runner);
      await tree.waitForBeats();
      await runner.stop();
      // Copies can only be seen in an environment that runs.
      if (runner.capabilities.filesystem === 'copied') await runner.init();
      await Promise.all([
        assertSilent(runner, [tree], 'a descendant of a process that was running is gone'),
        assertSilent(runner, left, 'what an ended process has left behind is gone'),
      ]);
    },
  },
  {
    id: 'lifecycle.shutdown-ends-descendants',
    title:
      'after shutdown() no descendant runs either, wherever it went and though its process ended long before',
    since: 1,
    requires: { killTree: true },
    run: async (context) => {
      const runner = await context.start();
      const tree = processTree(context, runner, 'tree');
      await runner.spawn(...tree.command);
      const left = await leaveBehind(context, runner);
      await tree.waitForBeats();
      await runner.shutdown();
      await Promise.all([
        assertSilent(runner, [tree], 'a descendant of a process that was running is gone'),
        assertSilent(runner, left, 'what an ended process has left behind is gone'),
      ]);
    },
  },
  {
    id: 'lifecycle.reuse-accepted',
    title: 'with reuse a companion works as usual, and its processes end with it',
    since: 1,
    requires: {},
    run: async (context) => {
      const options = { name: 'reused', reuse: true };
      const first = await context.start(options);
      const running = await first.spawn('cat');
      await context.due('shutdown() works', first.shutdown());
      assert.equal(running.isRunning(), false, 'a process must end with the companion that started it');
      const second = await context.start(options);
      assert.equal((await second.run(...sh('echo works'))).stdout, 'works\n', 'the next companion must work');
      await second.shutdown({ remove: true });
    },
  },
  {
    id: 'lifecycle.reuse-finds',
    title: 'with reuse the next companion of that name finds the environment as it was left',
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const options = { name: 'reused', reuse: true };
      const first = await context.start(options);
      await first.run(...sh('echo kept > "$HOME/kept.txt"'));
      await first.shutdown();
      const events: PublishedEvent[] = [];
      const second = await context.start({ ...options, onEvent: (event) => void events.push(event) });
      const { stdout } = await second.run(...sh('cat "$HOME/kept.txt"'), { reject: false });
      assert.equal(stdout, 'kept\n', 'a file of the companion before must be there');
      const started = events.find(({ topic, type }) => topic === 'environment' && type === 'started');
      assert.ok(started !== undefined && 'reused' in started, 'the event must say that it was reused');
      await second.shutdown({ remove: true });
      const third = await context.start(options);
      const { code } = await third.run(...sh('[ -e "$HOME/kept.txt" ]'), { reject: false });
      assert.equal(code, 1, 'shutdown({ remove: true }) must have removed it');
    },
  },
];

/** Runs a process that ends at once and leaves descendants behind, deaf to polite signals. */
async function leaveBehind(
  context: CaseContext,
  runner: CompanionRunner,
): Promise<readonly [Heartbeat, Heartbeat]> {
  const hearts = [
    heartbeat(context, runner, 'left.child'),
    heartbeat(context, runner, 'left.session'),
  ] as const;
  const [child, session] = hearts;
  const script = `${DEAF}; { sh -c "$1" sh "$2" & setsid sh -c "$1" sh "$3" & } < /dev/null > /dev/null 2>&1; echo left behind`;
  const files = [child.file.companionPath, session.file.companionPath];
  const { stdout } = await runner.run(...sh(script, HEARTBEAT, ...files));
  assert.equal(stdout, 'left behind\n', 'the process itself must have ended');
  await Promise.all(hearts.map((heart) => heart.waitForBeats(1)));
  return hearts;
}
