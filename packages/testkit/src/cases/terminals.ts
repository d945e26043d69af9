import assert from 'node:assert/strict';
import type { CompanionProcess, CompanionRunner, TerminalSize } from '@companion/core';
import type { ConformanceCase } from '../case.js';
import { rejectsWith, throwsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

const SIZE: TerminalSize = { columns: 97, rows: 31 };
const OTHER_SIZE: TerminalSize = { columns: 143, rows: 52 };
/** What the keys Ctrl-C and Ctrl-D send. */
const [INTERRUPT, END_OF_FILE] = ['\u0003', '\u0004'];

export const terminalsCases: readonly ConformanceCase[] = [
  {
    id: 'terminals.streams',
    title: 'with a terminal all three streams are one, and all output comes on stdout',
    since: 1,
    requires: { tty: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const script =
        'for fd in 0 1 2; do [ -t $fd ] && echo "$fd is one"; done; echo said; echo complained >&2';
      const result = await runner.run(...sh(script), { tty: SIZE });
      const lines = result.stdout.split(/\r?\n/);
      const expected = ['0 is one', '1 is one', '2 is one', 'said', 'complained', ''];
      assert.deepEqual(lines, expected, 'every stream must be the terminal');
      assert.equal(result.stderr, '', 'there must be no other output');
      assert.match(result.stdout, /said\r\n/, 'the terminal must end lines as terminals do');
    },
  },
  {
    id: 'terminals.size',
    title: 'the terminal has the size given, and resize() changes it and tells the process',
    since: 1,
    requires: { tty: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const script = `trap 'stty size' WINCH; stty size; echo ready; while :; do sleep 0.05; done`;
      const running = await inTerminal(runner, script);
      const first = context.due('stty tells a size', runner.waitForLine(running, /^\d+ \d+$/));
      assert.equal(
        (await first).line,
        `${SIZE.rows} ${SIZE.columns}`,
        'the terminal must have the size given',
      );
      await runner.waitForLine(running, 'ready');
      await running.resize(OTHER_SIZE);
      const second = runner.waitForLine(running, `${OTHER_SIZE.rows} ${OTHER_SIZE.columns}`);
      await context.due('resize() changes it, and the process is told', second);
      await running.stop({ graceMs: 0 });
      await running.resize(SIZE);
    },
  },
  {
    id: 'terminals.echo',
    title: 'what is typed is echoed and read line by line, and Ctrl-D is the end of input',
    since: 1,
    requires: { tty: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const script = 'echo ready; while read -r line; do echo "got <$line>"; done; echo end';
      const running = await inTerminal(runner, script);
      await runner.waitForLine(running, 'ready');
      running.stdin.write('typed\n');
      await context.due('what is typed is echoed', runner.waitForLine(running, /^typed$/));
      await runner.waitForLine(running, 'got <typed>');
      running.stdin.write(END_OF_FILE);
      await context.due('Ctrl-D is the end of input', runner.waitForLine(running, 'end'));
      assert.deepEqual(await running.wait(), { code: 0, signal: null }, 'it must end by itself');
    },
  },
  {
    id: 'terminals.interrupt',
    title: 'Ctrl-C interrupts what runs in the foreground',
    since: 1,
    requires: { tty: true },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const plain = await inTerminal(runner, 'echo ready; exec sleep 60');
      await runner.waitForLine(plain, 'ready');
      plain.stdin.write(INTERRUPT);
      const interrupted = await context.due('Ctrl-C ends what runs in the foreground', plain.wait());
      assert.deepEqual(interrupted, { code: null, signal: 'SIGINT' }, 'it must end with SIGINT');
      const trapping = await inTerminal(
        runner,
        `trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.05; done`,
      );
      await runner.waitForLine(trapping, 'ready');
      trapping.stdin.write(INTERRUPT);
      await context.due('Ctrl-C can be trapped', runner.waitForLine(trapping, 'caught'));
      assert.deepEqual(await trapping.wait(), { code: 7, signal: null }, 'a trap must decide how it ends');
    },
  },
  {
    id: 'terminals.refused',
    title: 'a terminal is refused where the backend has none, never replaced by pipes',
    since: 1,
    requires: { tty: false },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const code = 'COMPANION_UNSUPPORTED';
      throwsWith(() => runner.newProcess('sh').withTty(SIZE), code, 'withTty()');
      await rejectsWith(runner.run(...sh(':'), { tty: SIZE }), code, 'run() with a terminal');
      await rejectsWith(runner.spawn(...sh(':'), { tty: SIZE }), code, 'spawn() with a terminal');
    },
  },
  {
    id: 'terminals.only-when-asked',
    title: 'a process that has not asked for a terminal has none, and resize() says so',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const script = 'for fd in 0 1 2; do [ -t $fd ] && echo "$fd is one"; done; read -r _; true';
      assert.equal((await runner.run(...sh(script))).stdout, '', 'run() must use no terminal');
      const spawned = await runner.spawn(...sh(script));
      await rejectsWith(spawned.resize(SIZE), 'COMPANION_WRONG_STATE', 'resize() without a terminal');
      spawned.stdin.end();
      const lines: string[] = [];
      for await (const line of spawned.lines()) lines.push(line);
      assert.deepEqual(lines, [], 'spawn() must use no terminal');
    },
  },
];

async function inTerminal(runner: CompanionRunner, script: string): Promise<CompanionProcess> {
  return await runner.spawn(...sh(script), { tty: SIZE });
}
