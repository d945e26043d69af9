import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { CommandFailedError, type CompanionError, type EndReason } from '@companion/core';
import type { ConformanceCase } from '../case.js';
import { exchangedFile } from '../exchanged-file.js';
import { HEARTBEAT, heartbeat } from '../heartbeat.js';
import { processTree } from '../process-tree.js';
import { rejectsWith } from '../rejects-with.js';
import { DEAF, sh } from '../shell.js';

/** Far beyond what it takes to end a process. */
const SOON_MS = 10_000;

/** What the error tells of how the run ended. */
function endOf(error: CompanionError): { readonly reason: EndReason; readonly stdout: string | Buffer } {
  assert.ok(error instanceof CommandFailedError, `${error.code} carries the result of the run`);
  const { reason, stdout } = error.result;
  return { reason, stdout };
}

/**
 * A time limit is short for the suite's sake, and has to leave the process the time to get ready: longer ones are
 * tried until `attempt` says that it was.
 */
async function withLimits(attempt: (timeoutMs: number) => Promise<boolean>): Promise<void> {
  for (const timeoutMs of [300, 2000, 15_000]) if (await attempt(timeoutMs)) return;
  assert.fail('the process was not ready after 15 s');
}

/** Time limits and aborts: what is given up is gone, and says why it ended. */
export const cancellationCases: readonly ConformanceCase[] = [
  {
    id: 'cancellation.abort-before',
    title: 'with a signal that is aborted already nothing is started',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      const trace = exchangedFile(context, runner, 'trace');
      const reason = new Error('given up before');
      const signal = AbortSignal.abort(reason);
      const [file, args] = sh(': > "$1"', trace.companionPath);
      const unstarted = runner.newProcess(file, ...args);
      for (const [what, attempt] of [
        ['run()', () => runner.run(file, args, { signal })],
        ['run() with reject: false', () => runner.run(file, args, { signal, reject: false })],
        ['spawn()', () => runner.spawn(file, args, { signal })],
        ['start()', () => unstarted.start({ signal })],
      ] as const) {
        const error = await rejectsWith(attempt(), 'COMPANION_ABORTED', what);
        assert.equal(error.cause, reason, `${what}: the cause is the signal's reason`);
      }
      // Whatever was started by mistake before this has had the time to leave its trace.
      await runner.run(...sh('exit 0'));
      assert.equal(await trace.read(), null, 'nothing has run');
    },
  },
  {
    id: 'cancellation.abort-during-start',
    title: 'an abort while a process starts ends it, at whatever moment it comes',
    since: 1,
    requires: {},
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.start();
      const hearts = Array.from({ length: 12 }, (_, turns) =>
        heartbeat(context, runner, `after-${turns}-turns`),
      );
      await Promise.all(
        hearts.map(async (heart, turns) => {
          const abort = new AbortController();
          const reason = new Error('given up');
          const [file, args] = heart.command;
          const signal = abort.signal;
          // A process that runs already keeps its verdict: spawn() has resolved, or it rejects.
          const spawned =
            turns % 2 === 0 ? runner.spawn(file, args, { signal }) : runner.run(file, args, { signal });
          const settled = spawned.then(
            async (process) => {
              assert.ok('wait' in process, 'run() of an endless process cannot resolve');
              const status = await process.wait();
              assert.notEqual(status.signal, null, 'the process was ended by a signal');
            },
            (error: CompanionError) => {
              assert.equal(error.code, 'COMPANION_ABORTED', `after ${turns} turns: ${error.message}`);
              assert.equal(error.cause, reason, "the cause is the signal's reason");
            },
          );
          // It is awaited below; until then its failure is not one that nobody has caught.
          settled.catch(() => {});
          for (let waited = 0; waited < turns; waited += 1) await turn();
          abort.abort(reason);
          await context.due('a start that is aborted settles', settled);
        }),
      );
      await Promise.all(hearts.map((heart) => heart.assertStops({ withinMs: 1000 })));
    },
  },
  {
    id: 'cancellation.abort-during-run',
    title: 'an abort ends a running process with everything it has started, and says so',
    since: 1,
    requires: { killTree: true },
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.start();
      const abort = new AbortController();
      const reason = new Error('given up');
      const trees = ['run', 'reject-false', 'spawn'].map((name) => processTree(context, runner, name));
      const [ran, unrejected, spawned] = trees.map(({ command }) => command);
      assert.ok(ran && unrejected && spawned);
      const { signal } = abort;
      const running = rejectsWith(runner.run(...ran, { signal }), 'COMPANION_ABORTED', 'run()');
      const unrejecting = rejectsWith(
        runner.run(...unrejected, { signal, reject: false }),
        'COMPANION_ABORTED',
        'an abort rejects with reject: false, too: whoever aborted knows',
      );
      const process = await runner.spawn(...spawned, { signal });
      await Promise.all(trees.map((tree) => tree.waitForBeats()));
      abort.abort(reason);
      for (const error of await Promise.all([running, unrejecting])) {
        assert.equal(error.cause, reason, "the cause is the signal's reason");
        assert.equal(endOf(error).reason, 'aborted', 'the result says why it ended');
      }
      assert.deepEqual(
        { ...(await process.wait()) },
        { code: null, signal: 'SIGTERM' },
        'a spawned one has its verdict',
      );
      await Promise.all(trees.map((tree) => tree.assertStops({ withinMs: 1000 })));
    },
  },
  {
    id: 'cancellation.abort-ends-process',
    title: 'an abort ends the process, and what it said until then is kept',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const [script, killGraceMs] of [
        ['echo said; exec sleep 60', undefined],
        [`${DEAF}; echo said; while :; do sleep 0.1; done`, 100],
        ["trap 'kill -s KILL $!; exit 0' TERM; sleep 60 & echo said; wait", undefined],
      ] as const) {
        const abort = new AbortController();
        const startedAt = performance.now();
        const demand = `'${script}' ends when it is aborted`;
        const running = runner.run(...sh(script), {
          signal: abort.signal,
          onLine: () => abort.abort(),
          ...(killGraceMs === undefined ? {} : { killGraceMs }),
        });
        const end = endOf(await context.due(demand, rejectsWith(running, 'COMPANION_ABORTED', demand)));
        assert.deepEqual(
          end,
          { reason: 'aborted', stdout: 'said\n' },
          'reason and output, whatever its own verdict',
        );
        assert.ok(performance.now() - startedAt < SOON_MS, 'soon');
      }
    },
  },
  {
    id: 'cancellation.abort-after-end',
    title: 'an abort after the end changes nothing',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const abort = new AbortController();
      const ran = await runner.run(...sh('echo done'), { signal: abort.signal });
      const spawned = await runner.spawn(...sh('exit 3'), { signal: abort.signal });
      await spawned.wait();
      abort.abort(new Error('too late'));
      await runner.run(...sh('exit 0'));
      assert.equal(ran.reason, 'exited', 'the result stays what it was');
      assert.deepEqual(
        { ...(await spawned.wait()) },
        { code: 3, signal: null },
        'the verdict stays what it was',
      );
    },
  },
  {
    id: 'cancellation.timeout',
    title: 'a run over its time limit is ended with everything it has started, and says so',
    since: 1,
    requires: { killTree: true },
    timeoutMs: 90_000,
    run: async (context) => {
      const runner = await context.start();
      await withLimits(async (timeoutMs) => {
        const tree = processTree(context, runner, `tree-${timeoutMs}`, { deaf: true });
        const startedAt = performance.now();
        const running = runner.run(...tree.command, { timeoutMs, killGraceMs: 100 });
        const error = await rejectsWith(running, 'COMPANION_TIMED_OUT', 'an endless run with timeoutMs');
        const tookMs = performance.now() - startedAt;
        assert.ok(tookMs >= timeoutMs - 10, `the time of ${timeoutMs} ms is given; it took ${tookMs} ms`);
        assert.ok(tookMs < timeoutMs + SOON_MS, `and not much more; it took ${tookMs} ms`);
        assert.equal(endOf(error).reason, 'timed-out', 'the result says why it ended');
        assert.match(error.message, new RegExp(`${timeoutMs} ms`), 'the message says which limit it was');
        await tree.assertStops({ withinMs: 1000 });
        const beats = await Promise.all(Object.values(tree.hearts).map((heart) => heart.beats()));
        return beats.every((count) => count > 0);
      });
    },
  },
  {
    id: 'cancellation.timeout-is-no-success',
    title: 'a run over its time limit is timed out whatever code it then chooses, and one within it is not',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.shared();
      const [file, args] = sh(
        "trap 'kill -s KILL $!; echo cleaned; exit 0' TERM; sleep 60 & echo ready; wait",
      );
      const output = 'ready\ncleaned\n';
      await withLimits(async (timeoutMs) => {
        const running = runner.run(file, args, { timeoutMs });
        const error = await rejectsWith(running, 'COMPANION_TIMED_OUT', 'code 0 after the time is up');
        const end = endOf(error);
        if (end.stdout === '') return false;
        assert.deepEqual(end, { reason: 'timed-out', stdout: output }, 'reason and output');
        return true;
      });
      await withLimits(async (timeoutMs) => {
        const { code, reason, stdout } = await runner.run(file, args, { timeoutMs, reject: false });
        if (stdout === '') return false;
        const got = { code, reason, stdout };
        assert.deepEqual(
          got,
          { code: 0, reason: 'timed-out', stdout: output },
          'with reject: false both are told',
        );
        return true;
      });
      const quick = await runner.run(...sh('exit 0'), { timeoutMs: 20_000 });
      assert.equal(quick.reason, 'exited', 'a limit that is not reached has no effect');
    },
  },
  {
    id: 'cancellation.stopped',
    title: 'a run that somebody stops says so',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const reject of [true, false]) {
        const target = runner.newProcess('sh', '-c', 'echo ready; exec sleep 60');
        const running = target.run({ reject, onLine: () => void target.stop() });
        if (reject) {
          const error = await rejectsWith(
            running,
            'COMPANION_COMMAND_FAILED',
            'run() of a process that is stopped',
          );
          assert.equal(endOf(error).reason, 'stopped', 'the result says why it ended');
        } else {
          const { signal, reason } = await running;
          assert.deepEqual(
            { signal, reason },
            { signal: 'SIGTERM', reason: 'stopped' },
            'with reject: false',
          );
        }
      }
    },
  },
  {
    id: 'cancellation.output-too-large',
    title: 'a run that says more than maxOutputBytes is ended, and what fits is kept',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const reject of [true, false]) {
        const demand = `an endless writer is ended, reject: ${reject}`;
        const running = runner.run('yes', [], { maxOutputBytes: 100_000, reject });
        const ended = rejectsWith(running, 'COMPANION_OUTPUT_TOO_LARGE', demand);
        const error = await context.due(demand, ended);
        const { stdout } = endOf(error);
        assert.ok(stdout === 'y\n'.repeat(50_000), `the first 100,000 bytes are kept, not ${stdout.length}`);
      }
      // Both streams count, and the limit itself is allowed.
      const [file, args] = sh('printf 12345; printf 67890 >&2');
      const { stdout, stderr } = await runner.run(file, args, { maxOutputBytes: 10 });
      assert.deepEqual({ stdout, stderr }, { stdout: '12345', stderr: '67890' }, 'exactly the limit');
      await rejectsWith(
        runner.run(file, args, { maxOutputBytes: 9 }),
        'COMPANION_OUTPUT_TOO_LARGE',
        'one byte more',
      );
    },
  },
  {
    id: 'cancellation.too-large-leaves-nothing',
    title: 'a run that says too much is ended with everything it has started',
    since: 1,
    requires: { killTree: true },
    run: async (context) => {
      const runner = await context.start();
      const heart = heartbeat(context, runner, 'child');
      const script = 'sh -c "$1" sh "$2" & read line; yes';
      const [file, args] = sh(script, `${DEAF}; ${HEARTBEAT}`, heart.file.companionPath);
      async function* whenItBeats(): AsyncGenerator<string> {
        await heart.waitForBeats();
        yield 'go\n';
      }
      const options = { maxOutputBytes: 1000, killGraceMs: 100, input: whenItBeats() };
      const demand = 'an endless writer is ended with what it has started';
      const running = rejectsWith(runner.run(file, args, options), 'COMPANION_OUTPUT_TOO_LARGE', demand);
      await context.due(demand, running);
      await heart.assertStops({ withinMs: 1000 });
    },
  },
  {
    id: 'cancellation.reject-false',
    title: 'reject: false returns every verdict, and rejects where there is none',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const options = { reject: false, timeoutMs: 20_000 } as const;
      for (const [script, expected] of [
        ['exit 0', { code: 0, signal: null, reason: 'exited' }],
        ['exit 9', { code: 9, signal: null, reason: 'exited' }],
        ['kill -s KILL $$', { code: null, signal: 'SIGKILL', reason: 'signaled' }],
      ] as const) {
        const { code, signal, reason, durationMs } = await runner.run(...sh(script), options);
        assert.deepEqual({ code, signal, reason }, expected, script);
        assert.ok(durationMs >= 0 && durationMs < SOON_MS, `its duration is told: ${durationMs}`);
      }
      const { code, signal, reason } = await runner.run('sleep', ['60'], { reject: false, timeoutMs: 100 });
      assert.deepEqual(
        { code, signal, reason },
        { code: null, signal: 'SIGTERM', reason: 'timed-out' },
        'time limit',
      );
      await rejectsWith(
        runner.run('companion-no-such-command', [], options),
        'COMPANION_COMMAND_NOT_FOUND',
        'no command',
      );
      const used = runner.newProcess('sh', '-c', 'exit 0');
      await used.run(options);
      await rejectsWith(
        (async () => await used.run(options))(),
        'COMPANION_WRONG_STATE',
        'a process that was used',
      );
    },
  },
  {
    id: 'cancellation.failing-listener',
    title: 'an onLine that throws ends the process and rejects with its own error',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const failure = new Error('the listener has failed');
      const yes = runner.newProcess('yes');
      const running = yes.run({
        onLine: () => {
          throw failure;
        },
      });
      const demand = 'the error of the listener comes through, and ends the process';
      await context.due(demand, assert.rejects(running, failure, demand));
      assert.equal(yes.isRunning(), false, 'the process is gone');
    },
  },
];
