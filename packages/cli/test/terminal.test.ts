import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { BIN, type Running, start } from './companion-command.js';
import { fixture, makeProject } from './project.js';

// util-linux' script makes a terminal; BSD's takes other arguments.
const hasTerminals =
  spawnSync('sh', ['-c', 'script --version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

/** Runs `companion …` (as a shell reads it) on a terminal of 90 columns and 30 rows. */
function onTerminal(args: string, cwd?: string): Running & { type(keys: string): void } {
  // exec: a shell that waited for it would be interrupted, too, and some of them then have a verdict of their own.
  const command = `stty columns 90 rows 30; exec "${process.execPath}" "${BIN}" ${args}`;
  const running = start(
    'sh',
    ['-c', 'exec script -qefc "$1" /dev/null', 'sh', command],
    cwd === undefined ? {} : { cwd },
  );
  return { ...running, type: (keys) => void running.child.stdin!.write(keys) };
}

const ready = `sh -c 'trap "echo interrupted; exit 9" INT; echo ready; while :; do sleep 0.05; done'`;

describe.skipIf(!hasTerminals)('on a terminal', () => {
  test('a command reads the terminal itself where the backend has none to give', async () => {
    const script = `sh -c 'test -t 0 && echo input is a terminal; read line; echo "read $line"'`;
    const { ended, saw, type } = onTerminal(`run -- ${script}`);
    await saw('input is a terminal');
    type('hello\r');
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout.toString()).toContain('read hello');
  });

  test('Ctrl-C reaches the command once', async () => {
    const { ended, saw, type } = onTerminal(`run -- ${ready}`);
    await saw('ready');
    type('\x03');
    const { code, stdout } = await ended;
    expect(code).toBe(9);
    expect(stdout.toString().match(/interrupted/g)).toHaveLength(1);
  });

  test('Ctrl-C reaches what the command has started, for which a shell may wait', async () => {
    // Not the shell says so: one that is about to start a program may swallow the signal for it, in a terminal, too.
    const waits = `process.stdout.write('ready'); setInterval(() => {}, 1e6)`;
    const shell = `sh -c '"$1" -e "$2"; exit 5' sh "${process.execPath}" "${waits}"`;
    const { ended, saw, type } = onTerminal(`run -- ${shell}`);
    await saw('ready');
    type('\x03');
    expect((await ended).code).toBe(130);
  });

  test('a command has a terminal of its own where the backend has them, as large as ours', async () => {
    using project = makeProject({ docker: fixture('terminal-backend') });
    const script = `sh -c 'test -t 0 && test -t 1 && stty size; read line; echo "read $line"'`;
    const { ended, saw, type } = onTerminal(`run -- ${script}`, project.directory);
    await saw('30 90');
    type('hello\r');
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    // Echoed once: by the terminal inside.
    expect(stdout.toString().match(/hello/g)).toHaveLength(2);
  });

  test('Ctrl-C is then a key for the terminal inside', async () => {
    using project = makeProject({ docker: fixture('terminal-backend') });
    const { ended, saw, type } = onTerminal(`run -- ${ready}`, project.directory);
    await saw('ready');
    type('\x03');
    const { code, stdout } = await ended;
    expect(code).toBe(9);
    expect(stdout.toString()).toContain('interrupted');
  });

  test('--no-tty wants none', async () => {
    using project = makeProject({ docker: fixture('terminal-backend') });
    const { ended } = onTerminal(`run --no-tty -- sh -c 'test -t 1 || echo no terminal'`, project.directory);
    expect((await ended).stdout.toString()).toContain('no terminal');
  });

  test('the pulling of an image is drawn and wiped away', async () => {
    using project = makeProject({ docker: fixture('pulling-backend') });
    const { stdout } = await onTerminal('run -- echo done', project.directory).ended;
    const drawn = stdout.toString();
    expect(drawn).toContain('pulling tool:1: 2.0 of 4.0 MB');
    expect(drawn.endsWith('\r\x1b[Kdone\r\n')).toBe(true);
  });

  test('nothing is drawn with --quiet', async () => {
    using project = makeProject({ docker: fixture('pulling-backend') });
    const { stdout } = await onTerminal('run --quiet -- echo done', project.directory).ended;
    expect(stdout.toString()).toBe('done\r\n');
  });
});

test('nothing is drawn where there is no terminal', async () => {
  using project = makeProject({ docker: fixture('pulling-backend') });
  const { stdout, stderr } = await start(process.execPath, [BIN, 'run', '--', 'echo', 'done'], {
    cwd: project.directory,
    input: null,
  }).ended;
  expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: 'done\n', stderr: '' });
});
