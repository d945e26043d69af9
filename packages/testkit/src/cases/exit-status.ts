import assert from 'node:assert/strict';
import { CommandFailedError, type CompanionRunner, type ExitStatus } from '@companion/core';
import type { CaseContext, ConformanceCase } from '../case.js';
import { isAliveInside } from '../liveness.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

/** The goal for noticing an end is 5 ms, and 100 ms for cutting an idle pipe: ten times both, and a slow machine. */
const AT_ONCE_MS = 3000;

async function statusOf({ due }: CaseContext, runner: CompanionRunner, script: string): Promise<ExitStatus> {
  const ran = due(`'${script}' has a verdict`, runner.run(...sh(script), { reject: false }));
  const { code, signal } = await ran;
  return { code, signal } as ExitStatus;
}

async function assertAtOnce(
  { due }: CaseContext,
  what: string,
  status: Promise<ExitStatus>,
  code: number,
): Promise<void> {
  const startedAt = performance.now();
  const verdict = await due(`${what}: the verdict is due at once`, status);
  assert.deepEqual(verdict, { code, signal: null }, `${what}: the process's own code is reported`);
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < AT_ONCE_MS, `${what}: the verdict is due at once, it took ${Math.round(tookMs)} ms`);
}

/** How a process ended: codes are codes, signals are signals, and what never ran has neither. */
export const exitStatusCases: readonly ConformanceCase[] = [
  {
    // Where a verdict or a last line is lost at all, it is about once in a few hundred fast exits. 256 in a row take a
    // few seconds on the slowest way to start a process.
    id: 'exit-status.codes',
    title:
      'every code from 0 to 255 is reported as it is, and of fast exits in a row none loses it or its output',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 120_000,
    run: async (context) => {
      const runner = await context.shared();
      for (let number = 0; number < 256; number += 1) {
        const demand = `exit ${number}, of 256 in a row, is reported as code ${number} with its output`;
        const [file, args] = sh(`echo "$1"; exit ${number}`, `line ${number}`);
        const ran = context.due(demand, runner.run(file, args, { reject: false }));
        const { code, signal, stdout } = await ran;
        const got = { code, signal, stdout };
        assert.deepEqual(got, { code: number, signal: null, stdout: `line ${number}\n` }, demand);
      }
    },
  },
  {
    id: 'exit-status.signal-death-is-a-signal',
    title: 'a process that a signal ended has that signal and no code',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      // Without QUIT, which bash ignores for itself.
      for (const name of ['HUP', 'INT', 'ABRT', 'KILL', 'USR1', 'SEGV', 'USR2', 'ALRM', 'TERM']) {
        // No core dump: it would stay in the directory.
        const { code, signal, reason } = await runner.run(...sh(`ulimit -c 0; kill -s ${name} $$`), {
          reject: false,
        });
        assert.deepEqual(
          { code, signal, reason },
          { code: null, signal: `SIG${name}`, reason: 'signaled' },
          `death by ${name} is reported as that signal, and no code is made up`,
        );
      }
    },
  },
  {
    id: 'exit-status.high-code-is-a-code',
    title: 'a code above 128 that the process chose stays a code',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const code of [129, 130, 137, 139, 143]) {
        const result = await runner.run(...sh(`exit ${code}`), { reject: false });
        assert.deepEqual(
          { code: result.code, signal: result.signal, reason: result.reason },
          { code, signal: null, reason: 'exited' },
          `exit ${code} is a code, not the signal ${code - 128}`,
        );
      }
    },
  },
  {
    id: 'exit-status.failure-rejects',
    title: 'run() rejects for any verdict but code 0, with the result and the last lines of output',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const [script, verdict] of [
        ['exit 3', { code: 3, signal: null }],
        ['ulimit -c 0; kill -s TERM $$', { code: null, signal: 'SIGTERM' }],
      ] as const) {
        const error = await rejectsWith(
          runner.run(...sh(`echo out; echo the-reason >&2; ${script}`)),
          'COMPANION_COMMAND_FAILED',
          `run() of '${script}' rejects`,
        );
        assert.ok(error instanceof CommandFailedError, 'it is a CommandFailedError');
        const { code, signal, stdout, stderr } = error.result;
        assert.deepEqual({ code, signal }, verdict, 'the error carries the verdict');
        assert.equal(stdout, 'out\n', 'the error carries stdout');
        assert.equal(stderr, 'the-reason\n', 'the error carries stderr');
        assert.match(error.message, /the-reason/, 'the message shows the last lines of stderr');
      }
    },
  },
  {
    id: 'exit-status.wait-many-callers',
    title: 'wait() gives every caller the same verdict, before and after the end, and never throws for it',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const waiting = await runner.spawn(...sh('read line; exit 9'));
      const before = [waiting.wait(), waiting.wait(), waiting.wait()];
      assert.equal(waiting.isRunning(), true, 'it runs as long as it waits for input');
      waiting.stdin.end('go\n');
      const verdicts = [...(await Promise.all(before)), await waiting.wait()];
      for (const verdict of verdicts)
        assert.deepEqual({ ...verdict }, { code: 9, signal: null }, 'same verdict');
      assert.equal(waiting.isRunning(), false, 'it has ended');
    },
  },
  {
    id: 'exit-status.not-found',
    title: 'a command that does not exist is COMMAND_NOT_FOUND, however it is started',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const code = 'COMPANION_COMMAND_NOT_FOUND';
      for (const file of ['companion-no-such-command', '/companion-no-such-directory/command']) {
        await context.due(`run('${file}') is refused`, rejectsWith(runner.run(file), code, `run('${file}')`));
        await rejectsWith(runner.run(file, [], { reject: false }), code, `run('${file}') with reject: false`);
        await rejectsWith(runner.spawn(file), code, `spawn('${file}')`);
        const unstarted = runner.newProcess(file);
        const error = await rejectsWith(unstarted.start(), code, `start() of '${file}'`);
        assert.ok(error.message.includes(file), `the message names what is missing: ${error.message}`);
        await rejectsWith(unstarted.wait(), code, `wait() after the failed start of '${file}'`);
        assert.equal(unstarted.isRunning(), false, 'nothing runs');
        assert.equal(unstarted.pid, null, 'what never ran has no pid');
      }
    },
  },
  {
    id: 'exit-status.shell-codes-are-codes',
    title: "126 and 127 of a shell are the shell's own codes, not failures to start",
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const [script, code] of [
        ['exit 126', 126],
        ['exit 127', 127],
        ['companion-no-such-command 2>/dev/null', 127],
      ] as const) {
        assert.deepEqual(
          await statusOf(context, runner, script),
          { code, signal: null },
          `${script}: the shell ran`,
        );
      }
    },
  },
  {
    id: 'exit-status.not-executable',
    title:
      'a file without permission to execute, a directory and a script without its interpreter cannot be executed',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      await runner.run(
        ...sh(`mkdir directory; echo 'exit 0' > plain-file; chmod 644 plain-file
          echo '#!/companion-no-such-interpreter' > script; chmod 755 script`),
      );
      for (const name of ['plain-file', 'directory', 'script']) {
        const file = runner.toCompanionPath(name);
        const code = 'COMPANION_COMMAND_NOT_EXECUTABLE';
        const error = await rejectsWith(
          runner.run(file, [], { reject: false }),
          code,
          `run() of the ${name}`,
        );
        assert.ok(error.message.includes(name), `the message names it: ${error.message}`);
        await rejectsWith(runner.spawn(file), code, `spawn() of the ${name}`);
      }
    },
  },
  {
    id: 'exit-status.missing-directory',
    title: 'a working directory that does not exist, or is a file, is WORK_DIR_NOT_FOUND',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      await runner.run(...sh(': > plain-file'));
      for (const cwd of ['/companion-no-such-directory', 'no-such-subdirectory', 'plain-file']) {
        const code = 'COMPANION_WORK_DIR_NOT_FOUND';
        const error = await rejectsWith(
          runner.run('sh', ['-c', ':'], { cwd, reject: false }),
          code,
          `cwd '${cwd}'`,
        );
        assert.ok(error.message.includes(cwd), `the message names the directory: ${error.message}`);
        await rejectsWith(runner.newProcess('sh').withDir(cwd).start(), code, `withDir('${cwd}')`);
        // The system reports both with the same error, so backends that do not look take one for the other.
        await rejectsWith(
          runner.run('companion-no-such-command', [], { cwd }),
          code,
          `no command either, in '${cwd}'`,
        );
      }
    },
  },
  {
    id: 'exit-status.orphan-does-not-delay',
    title: 'a descendant that holds the pipes does not delay the verdict',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const [file, args] = sh('sleep 30 & exit 3');
      const completed = runner.newProcess(file, ...args);
      const spawned = await runner.spawn(file, args);
      const claimed = await runner.spawn(file, args);
      claimed.stdout.resume();
      try {
        const result = completed
          .run({ reject: false })
          .then(({ code, signal }) => ({ code, signal }) as ExitStatus);
        await Promise.all([
          assertAtOnce(context, 'run()', result, 3),
          assertAtOnce(context, 'wait() with streams that nobody reads', spawned.wait(), 3),
          assertAtOnce(context, 'wait() with streams that are read', claimed.wait(), 3),
        ]);
      } finally {
        // After the end, stop() ends what the process has left behind.
        await Promise.all([completed, spawned, claimed].map((process) => process.stop({ graceMs: 0 })));
      }
    },
  },
  {
    id: 'exit-status.open-stdin-does-not-delay',
    title: 'an open standard input does not delay the verdict',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const untouched = await runner.spawn(...sh('exit 4'));
      await assertAtOnce(context, 'standard input that nobody touched', untouched.wait(), 4);
      const half = await runner.spawn(...sh('read line; exit 5'));
      half.stdin.write('one\ntwo\nthree\n');
      await assertAtOnce(context, 'standard input with unread lines', half.wait(), 5);
    },
  },
  {
    id: 'exit-status.used-once',
    title: 'a process is started once, and waited for only after that',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const once = runner.newProcess('sh', '-c', 'exit 0');
      await rejectsWith(once.wait(), 'COMPANION_WRONG_STATE', 'wait() before start()');
      await once.start();
      await rejectsWith(once.start(), 'COMPANION_WRONG_STATE', 'start() twice');
      assert.deepEqual(
        { ...(await once.wait()) },
        { code: 0, signal: null },
        'the first start is not disturbed',
      );
    },
  },
  {
    id: 'exit-status.pid',
    title:
      "pid is the process's own as it is seen inside, before the end and after it, and null before the start",
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const unstarted = runner.newProcess('sh', '-c', 'echo $$; read line').withStdin();
      assert.equal(unstarted.pid, null, 'what has not been started has no pid');
      await unstarted.start();
      const { pid } = unstarted;
      assert.equal((await unstarted.lines().next()).value, String(pid), 'what $$ says inside');
      assert.equal(await isAliveInside(runner, Number(pid)), true, 'others inside see it under that id');
      unstarted.stdin.end();
      await unstarted.wait();
      assert.equal(unstarted.pid, pid, 'it is still told after the end');
    },
  },
];
