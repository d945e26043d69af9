import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import type { CompanionProcess, CompanionRunner, ExitStatus, Signal } from '@companion/core';
import type { CaseContext, ConformanceCase } from '../case.js';
import { HEARTBEAT, heartbeat } from '../heartbeat.js';
import { isAlive } from '../liveness.js';
import { processTree } from '../process-tree.js';
import { rejectsWith } from '../rejects-with.js';
import { DEAF, IN_OWN_SESSION, sh } from '../shell.js';

/** Those that POSIX has, that end a process, and that a program may be told to expect. */
const POLITE: readonly Signal[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGTERM'];

/** Far beyond what a process needs to end once it is told to. */
const SOON_MS = 10_000;

/** Resolves once the process has said that it is ready and got the signal; then with its verdict. */
async function signalled(
  { due }: CaseContext,
  runner: CompanionRunner,
  target: CompanionProcess,
  name: Signal,
): Promise<ExitStatus> {
  await runner.waitForLine(target, 'ready');
  await target.signal(name);
  return { ...(await due(`${name} reaches the process`, target.wait())) };
}

/** A process to which nothing happens when it gets a signal but what is the default: shells have their own ways. */
async function plain(runner: CompanionRunner): Promise<CompanionProcess> {
  // No core dump: it would stay in the directory. What `cat` echoes shows that it is no shell any more.
  const cat = await runner.spawn(...sh('ulimit -c 0; exec cat'));
  cat.stdin.write('ready\n');
  return cat;
}

/** A background command's end is waited for by `wait`, which a trapped signal interrupts at once. */
const trapping = (name: Signal, code: number): string =>
  `trap 'kill -s KILL $!; exit ${code}' ${name.slice(3)}; sleep 60 & echo ready; wait`;

/** Which of these live now; a zombie has ended and waits to be reaped, which is nobody's business here. */
async function living(runner: CompanionRunner, pids: readonly number[]): Promise<number[]> {
  if (runner.capabilities.processes === 'shared') {
    const alive = await Promise.all(pids.map((pid) => isAlive(pid)));
    return pids.filter((_, index) => alive[index]);
  }
  const script = `for pid in "$@"; do
    kill -0 "$pid" 2>/dev/null || continue
    { read -r stat < "/proc/$pid/stat"; } 2>/dev/null && case \${stat##*) } in Z* | X*) continue ;; esac
    echo "$pid"
  done`;
  const { stdout } = await runner.run(...sh(script, ...pids.map(String)));
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** What a process is told, and what becomes of it and its descendants. */
export const signalsCases: readonly ConformanceCase[] = [
  {
    id: 'signals.term-and-kill',
    title: 'TERM and KILL reach the process and are what it is reported to have died of',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const name of ['SIGTERM', 'SIGKILL'] as const) {
        const status = await signalled(context, runner, await plain(runner), name);
        assert.deepEqual(status, { code: null, signal: name }, `death by ${name}`);
      }
      const trapped = await runner.spawn(...sh(trapping('SIGTERM', 7)));
      const status = await signalled(context, runner, trapped, 'SIGTERM');
      assert.deepEqual(
        status,
        { code: 7, signal: null },
        'who traps TERM and exits has a code, not a signal',
      );
    },
  },
  {
    id: 'signals.each-is-reported',
    title: 'every signal reaches the process and is what it is reported to have died of',
    since: 1,
    requires: { signals: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const name of [...POLITE, 'SIGKILL'] as const) {
        const status = await signalled(context, runner, await plain(runner), name);
        assert.deepEqual(status, { code: null, signal: name }, `death by ${name}`);
      }
    },
  },
  {
    id: 'signals.each-can-be-trapped',
    title: 'a process that traps a signal ends as it chooses',
    since: 1,
    requires: { signals: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const [index, name] of POLITE.entries()) {
        const trapped = await runner.spawn(...sh(trapping(name, 20 + index)));
        const status = await signalled(context, runner, trapped, name);
        assert.deepEqual(status, { code: 20 + index, signal: null }, `a trap of ${name} that exits`);
      }
    },
  },
  {
    id: 'signals.refused',
    title: 'a signal other than TERM and KILL is refused where the backend cannot deliver it',
    since: 1,
    requires: { signals: false },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const target = await plain(runner);
      for (const name of POLITE.filter((polite) => polite !== 'SIGTERM')) {
        await rejectsWith(target.signal(name), 'COMPANION_UNSUPPORTED', `${name} without the capability`);
      }
      assert.equal(target.isRunning(), true, 'nothing was delivered instead');
      await target.signal('SIGKILL');
      await target.wait();
    },
  },
  {
    id: 'signals.process-alone',
    title: 'signal() reaches the process itself and not its descendants',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      // The first TERM is answered. The second asks what has become of the child: it kills it, and tells of what it
      // died: of KILL just now (128 + 9), or of TERM before.
      const script = `sleep 60 & child=$!
        trap 'trap "kill -s KILL $child; wait $child; echo child \\$?; exit 0" TERM; echo got' TERM
        echo ready; while :; do wait $child; done`;
      const target = await runner.spawn(...sh(script));
      const output = text(target.stdout);
      for (const line of ['ready', 'got']) {
        await context.due('the signal reaches the process', runner.waitForLine(target, line));
        await target.signal('SIGTERM');
      }
      assert.deepEqual({ ...(await target.wait()) }, { code: 0, signal: null }, 'the process got both');
      assert.equal(
        await output,
        'ready\ngot\nchild 137\n',
        'its child was still alive, and died of its parent',
      );
    },
  },
  {
    id: 'signals.default-dispositions',
    title: 'a process starts with no signal ignored',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      // Node ignores SIGPIPE, and a process that inherits that writes into a broken pipe for ever or fails with EPIPE.
      const { stderr } = await runner.run(...sh('{ yes; echo "$?" >&2; } | head -n 1'));
      assert.equal(stderr, '141\n', 'who writes into a closed pipe dies of SIGPIPE');
      for (const name of ['HUP', 'INT', 'TERM']) {
        const { signal } = await runner.run(...sh(`ulimit -c 0; kill -s ${name} $$; exit 1`), {
          reject: false,
        });
        assert.equal(signal, `SIG${name}`, `${name} has its default effect`);
      }
    },
  },
  {
    id: 'signals.stop-is-polite',
    title: 'stop() lets a process that obeys TERM finish its own way, and does not wait longer than it takes',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const script = "trap 'kill -s KILL $!; echo cleaned; exit 5' TERM; sleep 60 & echo ready; wait";
      const target = await runner.spawn(...sh(script));
      const output = text(target.stdout);
      await runner.waitForLine(target, 'ready');
      const startedAt = performance.now();
      await context.due('stop() reaches the process', target.stop({ graceMs: 60_000 }));
      assert.ok(performance.now() - startedAt < SOON_MS, 'stop() resolves when the process is gone');
      assert.equal(await output, 'ready\ncleaned\n', 'it cleaned up');
      assert.deepEqual({ ...(await target.wait()) }, { code: 5, signal: null }, 'the verdict is its own');
      assert.equal(target.isRunning(), false, 'it has ended');
    },
  },
  {
    id: 'signals.stop-is-polite-to-all',
    title: 'stop() lets descendants that obey TERM finish their own way, too',
    since: 1,
    requires: { killTree: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const descendant = `trap 'echo "$0 cleaned"; exit 0' TERM; echo "$0 ready"; while :; do sleep 0.1; done`;
      const script = 'sh -c "$1" child & (sh -c "$1" orphan &); exec sh -c "$1" leader';
      const target = await runner.spawn(...sh(script, descendant));
      const output = text(target.stdout);
      await Promise.all(
        ['child', 'orphan', 'leader'].map((name) => runner.waitForLine(target, `${name} ready`)),
      );
      await context.due('stop() reaches the whole tree', target.stop({ graceMs: 20_000 }));
      const cleaned = (await context.due('the whole tree has ended with stop()', output))
        .split('\n')
        .filter((line) => line.endsWith('cleaned'));
      assert.deepEqual(
        cleaned.sort(),
        ['child cleaned', 'leader cleaned', 'orphan cleaned'],
        'all were asked',
      );
    },
  },
  {
    id: 'signals.kill-after-grace',
    title: 'stop() ends a process that ignores TERM with KILL, after the grace and not before',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const script = `${DEAF}; echo ready; while :; do sleep 0.1; done`;
      const deaf = await runner.spawn(...sh(script));
      await runner.waitForLine(deaf, 'ready');
      const startedAt = performance.now();
      await context.due('KILL follows the grace', deaf.stop({ graceMs: 400 }));
      const tookMs = performance.now() - startedAt;
      // Timers may fire a millisecond early.
      assert.ok(tookMs >= 390, `the grace is given; it took ${tookMs} ms`);
      assert.ok(tookMs < SOON_MS, `KILL follows the grace; it took ${tookMs} ms`);
      assert.deepEqual({ ...(await deaf.wait()) }, { code: null, signal: 'SIGKILL' }, 'it was killed');

      const impatient = await runner.spawn(...sh(script));
      await runner.waitForLine(impatient, 'ready');
      const patient = impatient.stop({ graceMs: 60_000 });
      const again = performance.now();
      await impatient.stop({ graceMs: 0 });
      await patient;
      assert.ok(
        performance.now() - again < SOON_MS,
        'a grace of 0 is KILL at once, also during another stop()',
      );
      assert.deepEqual({ ...(await impatient.wait()) }, { code: null, signal: 'SIGKILL' }, 'it was killed');
    },
  },
  {
    id: 'signals.whole-tree',
    title: 'stop() ends the whole tree: children, sessions of their own and double-forked ones, deaf to TERM',
    since: 1,
    requires: { killTree: true },
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.start();
      const tree = processTree(context, runner, 'tree', { deaf: true });
      const leader = await runner.spawn(...tree.command);
      await tree.waitForBeats();
      await leader.stop({ graceMs: 100 });
      assert.equal((await leader.wait()).signal, 'SIGKILL', 'the leader was killed');
      await tree.assertStops({ withinMs: 1000 });
    },
  },
  {
    id: 'signals.to-tree',
    title: 'signal() with `tree` reaches the process and its descendants, wherever they went',
    since: 1,
    requires: { killTree: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const member = 'trap \'echo "$1 got it"; exit 0\' TERM; echo "$1 ready"; while :; do sleep 0.05; done';
      const script = 'sh -c "$1" sh child & setsid sh -c "$1" sh session & exec sh -c "$1" sh leader';
      const target = await runner.spawn(...sh(script, member));
      const output = text(target.stdout);
      const names = ['child', 'leader', 'session'];
      await Promise.all(names.map((name) => runner.waitForLine(target, `${name} ready`)));
      await target.signal('SIGTERM', { tree: true });
      // It ends with the last of them.
      const said = await context.due('the signal reaches all of them', output);
      const reached = said.split('\n').filter((line) => line.endsWith('got it'));
      assert.deepEqual(
        reached.sort(),
        names.map((name) => `${name} got it`),
        'each got it once',
      );
      assert.deepEqual({ ...(await target.wait()) }, { code: 0, signal: null }, 'the verdict is its own');
    },
  },
  {
    id: 'signals.to-tree-refused',
    title:
      'signal() with `tree` is refused where the backend does not reach descendants; stop() ends the process',
    since: 1,
    requires: { killTree: false },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const target = await plain(runner);
      const demand = 'a signal to a tree without the capability';
      await rejectsWith(target.signal('SIGTERM', { tree: true }), 'COMPANION_UNSUPPORTED', demand);
      assert.equal(target.isRunning(), true, 'nothing was delivered instead');
      await context.due('stop() ends the process itself', target.stop());
      assert.equal((await target.wait()).signal, 'SIGTERM', 'it ended with the signal of stop()');
    },
  },
  {
    id: 'signals.stop-resolves-when-gone',
    title: 'stop() resolves when nothing of the tree is left, not when it has been told to go',
    since: 1,
    requires: { killTree: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      // One leader that is there until stop(), one whose end stop() does not have to wait for.
      for (const last of ['exec sh -c "$1"', 'sh -c "$1" & exit 0']) {
        for (let round = 0; round < 3; round += 1) {
          const script = `sh -c "$1" & (sh -c "$1" &); ${last}`;
          const leader = await runner.spawn(...sh(script, 'echo $$; exec sleep 60'));
          const lines = leader.lines();
          const pids: number[] = [];
          while (pids.length < 3) pids.push(Number((await lines.next()).value));
          if (last.includes('exit')) await leader.wait();
          await leader.stop({ graceMs: 0 });
          assert.deepEqual(await living(runner, pids), [], `'${script}', round ${round}: nothing is left`);
        }
      }
    },
  },
  {
    id: 'signals.stop-after-end',
    title: 'stop() after the end of a process ends what it has left behind',
    since: 1,
    requires: { killTree: true },
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.start();
      const hearts = ['group', 'session'].map((name) => heartbeat(context, runner, name));
      const files = hearts.map((heart) => heart.file.companionPath);
      const script = `sh -c "$1" sh "$2" & set -- sh -c "$1" sh "$3"; ${IN_OWN_SESSION} exit 0`;
      const parent = await runner.spawn(...sh(script, `${DEAF}; ${HEARTBEAT}`, ...files));
      await parent.wait();
      await Promise.all(hearts.map((heart) => heart.waitForBeats()));
      await parent.stop({ graceMs: 100 });
      await Promise.all(hearts.map((heart) => heart.assertStops({ withinMs: 1000 })));
    },
  },
  {
    id: 'signals.quiet-after-end',
    title: 'signals and stop() after the end are quiet, any number of times and at once',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const ended = await runner.spawn(...sh('exit 4'));
      await ended.wait();
      await context.due('TERM after the end is quiet', ended.signal('SIGTERM'));
      await context.due('KILL after the end is quiet', ended.signal('SIGKILL'));
      const stops = Promise.all([ended.stop(), ended.stop(), ended.stop({ graceMs: 0 })]);
      await context.due('stop() after the end is quiet, also at once', stops);
      await context.due('stop() of what was stopped is quiet', ended.stop());
      assert.deepEqual(
        { ...(await ended.wait()) },
        { code: 4, signal: null },
        'the verdict stays what it was',
      );

      const running = await runner.spawn('cat');
      await Promise.all([running.stop(), running.stop(), running[Symbol.asyncDispose]()]);
      await running.stop();
      assert.deepEqual({ ...(await running.wait()) }, { code: null, signal: 'SIGTERM' }, 'stopped once');
    },
  },
  {
    id: 'signals.wrong-use',
    title:
      'a signal before the start and a signal that does not exist are errors; stop() before the start is quiet',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const unstarted = runner.newProcess('cat');
      await unstarted.stop();
      await rejectsWith(unstarted.signal('SIGTERM'), 'COMPANION_WRONG_STATE', 'signal() before the start');
      await unstarted.start();
      assert.equal((await unstarted.wait()).code, 0, 'it can be started after that');

      const running = await runner.spawn('cat');
      for (const name of ['TERM', 'SIGNONE', '', 15]) {
        await assert.rejects(running.signal(name as Signal), TypeError, `${name} is no signal`);
      }
      assert.equal(running.isRunning(), true, 'nothing was delivered');
      await running.stop();
    },
  },
];
