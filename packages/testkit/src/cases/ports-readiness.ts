import assert from 'node:assert/strict';
import { assertNames } from '../assert-names.js';
import type { ConformanceCase } from '../case.js';
import { listenInside } from '../listen-inside.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';
import { freePort } from '../tcp.js';

/** What counts as "at once" on a busy machine, far below the 30 s after which waiting gives up by itself. */
const AT_ONCE_MS = 5000;

/** `waitForPort()` and `waitForLine()`: part of the area `ports`. */
export const portsReadinessCases: readonly ConformanceCase[] = [
  {
    id: 'ports.wait-for-port',
    title: 'waitForPort() waits for a server that is not there yet, and for nothing else',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ ports: [{ name: 'server' }] });
      let ready = false;
      const waiting = runner.waitForPort('server').then((endpoint) => {
        ready = true;
        return endpoint;
      });
      // Two commands' time, in which a port that is only declared would have been taken for ready.
      await runner.run(...sh(':'));
      await runner.run(...sh(':'));
      assert.equal(ready, false, 'a port on which nothing listens must not be ready');
      await listenInside(runner, runner.endpoint('server').companionPort);
      const endpoint = await context.due('it is ready once a server listens', waiting);
      assert.deepEqual(endpoint, runner.endpoint('server'), 'it must be ready once a server listens');
    },
  },
  {
    id: 'ports.not-ready-in-time',
    title: 'waiting gives up after its time, and at once when it is aborted',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ ports: [{ name: 'server' }] });
      const running = await runner.spawn('cat');
      const waits = {
        'waitForPort()': (options: { timeoutMs?: number; signal?: AbortSignal }) =>
          runner.waitForPort('server', options),
        'waitForLine()': (options: { timeoutMs?: number; signal?: AbortSignal }) =>
          runner.waitForLine(running, 'never', options),
      };
      for (const [what, wait] of Object.entries(waits)) {
        const startedAt = performance.now();
        await rejectsWith(wait({ timeoutMs: 200 }), 'COMPANION_NOT_READY', `${what} whose time is up`);
        const tookMs = performance.now() - startedAt;
        assert.ok(
          tookMs > 150 && tookMs < AT_ONCE_MS,
          `${what} must take its time, it took ${Math.round(tookMs)} ms`,
        );
        const abort = new AbortController();
        const aborted = rejectsWith(wait({ signal: abort.signal }), 'COMPANION_ABORTED', `${what}, aborted`);
        abort.abort();
        await aborted;
        const late = wait({ signal: abort.signal });
        await rejectsWith(late, 'COMPANION_ABORTED', `${what} with an aborted signal`);
      }
    },
  },
  {
    id: 'ports.process-died',
    title: 'waiting ends at once when the process that was to listen has died, and shows its last lines',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ ports: [{ name: 'server' }] });
      const script = 'read -r _; echo starting; echo "fatal: no licence" >&2; exit 3';
      const waits = {
        'waitForPort()': (dying: Awaited<ReturnType<typeof runner.spawn>>) =>
          runner.waitForPort('server', { process: dying }),
        'waitForLine()': (dying: Awaited<ReturnType<typeof runner.spawn>>) =>
          runner.waitForLine(dying, 'listening'),
      };
      for (const [what, wait] of Object.entries(waits)) {
        const dying = await runner.spawn(...sh(script));
        const failed = rejectsWith(wait(dying), 'COMPANION_NOT_READY', `${what} for a process that dies`);
        const startedAt = performance.now();
        dying.stdin.end('go\n');
        assertNames(await failed, ['fatal: no licence', '3'], `${what} must show how it died`);
        const tookMs = performance.now() - startedAt;
        assert.ok(tookMs < AT_ONCE_MS, `${what} must end at once, it took ${Math.round(tookMs)} ms`);
        await rejectsWith(wait(dying), 'COMPANION_NOT_READY', `${what} for a process that is dead`);
      }
    },
  },
  {
    id: 'ports.waiting-ends-with-companion',
    title: 'waiting ends when the companion is stopped',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ ports: [{ name: 'server' }] });
      const waiting = rejectsWith(
        runner.waitForPort('server'),
        'COMPANION_WRONG_STATE',
        'waitForPort() of a stopped companion',
      );
      await runner.stop();
      await waiting;
    },
  },
  {
    id: 'ports.line-already-printed',
    title:
      'waitForLine() finds a line that has come already, one that comes later, and a last one without an end',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const script = 'echo first; echo second >&2; read -r _; echo third; printf last';
      const running = await runner.spawn(...sh(script));
      const second = await runner.waitForLine(running, 'second');
      assert.deepEqual(
        { line: second.line, stream: second.stream },
        { line: 'second', stream: 'stderr' },
        'it must say which line it was, and where',
      );
      const first = await runner.waitForLine(running, 'irst');
      assert.deepEqual(first.line, 'first', 'a line that came earlier must be found, by a part of it');
      const later = runner.waitForLine(running, 'third');
      running.stdin.end('go\n');
      assert.equal((await later).line, 'third', 'a line that comes later must be found');
      assert.equal(
        (await runner.waitForLine(running, /^last$/)).line,
        'last',
        'a last line needs no line break',
      );
    },
  },
  {
    id: 'ports.line-pattern',
    title: 'waitForLine() gives what a regular expression has matched, and looks only where it is told to',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const script = 'echo "port 1" >&2; echo "listening on 127.0.0.1:4711 (tcp)"; read -r _';
      const running = await runner.spawn(...sh(script));
      const pattern = /listening on (?<host>[\d.]+):(\d+)/g;
      for (let round = 0; round < 2; round += 1) {
        const { match } = await runner.waitForLine(running, pattern);
        assert.equal(match?.[2], '4711', 'groups must be there, also with a global expression used twice');
        assert.equal(match?.groups?.host, '127.0.0.1', 'named groups, too');
      }
      const { line } = await runner.waitForLine(running, /\d+/, { stream: 'stdout' });
      assert.match(line, /^listening/, 'a line of the other stream must not count');
      running.stdin.end();
    },
  },
  {
    id: 'ports.line-takes-nothing',
    title: 'waitForLine() takes nothing away from those who read the output',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const [file, args] = sh('echo one; echo ready; echo two');
      const running = runner.newProcess(file, ...args);
      const ending = running.run();
      await context.due('the line is found', runner.waitForLine(running, 'ready'));
      assert.equal((await ending).stdout, 'one\nready\ntwo\n', 'the result must hold everything');
      const spawned = await runner.spawn(file, args);
      await runner.waitForLine(spawned, 'ready');
      const lines: string[] = [];
      for await (const line of spawned.lines()) lines.push(line);
      assert.deepEqual(lines, ['one', 'ready', 'two'], 'a reader that comes later must get everything');
    },
  },
  {
    id: 'ports.wait-after-stop',
    title: 'a port chosen by core is the same after stop() and init(), and is waited for anew',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({
        ports: [{ name: 'any' }, { name: 'moved', hostPort: await freePort() }],
      });
      const before = runner.endpoint('any').companionPort;
      await runner.stop();
      await context.due('init() works after stop()', runner.init());
      assert.equal(runner.endpoint('any').companionPort, before, 'consumers have told it to their commands');
      for (const name of ['any', 'moved']) {
        await rejectsWith(
          runner.waitForPort(name, { timeoutMs: 100 }),
          'COMPANION_NOT_READY',
          `${name} with no server any more`,
        );
      }
    },
  },
];
