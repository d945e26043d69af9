import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { supervisorBinary } from '../../src/binary.js';
import { signalName } from '../../src/linux-numbers.js';
import { connectSupervisor } from '../../src/supervisor.js';
import {
  command,
  firstOutput,
  isRunnable,
  processesWith,
  run,
  startSupervisor,
  textOf,
  uniqueSeconds,
  until,
  WHERE,
} from './real-supervisor.js';

const stateOf = (pid: number): string | undefined =>
  /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

/** Those that end nobody: they are ignored, or stop the process. */
const HARMLESS = ['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'];
const ALL = Array.from({ length: 31 }, (_, index) => signalName(index + 1));

describe.runIf(isRunnable)(`a process ${WHERE}`, () => {
  it('ends with any code', async () => {
    const { supervisor } = await startSupervisor();
    const codes = Array.from({ length: 256 }, (_, code) => code);
    const ends = await Promise.all(codes.map((code) => run(supervisor, 'sh', ['-c', `exit ${code}`])));
    expect(ends.map(({ exit }) => exit)).toEqual(codes.map((code) => ({ code, signal: null })));
  });

  it.each(ALL.filter((name) => !HARMLESS.includes(name)))('ends by %s', async (name) => {
    const { supervisor } = await startSupervisor();
    const process = await supervisor.spawn(command('sleep', ['1000']));
    await process.kill(name);
    expect(await process.exited).toEqual({ code: null, signal: name });
    await process.kill(name);
  });

  it.each(HARMLESS as NodeJS.Signals[])('does not end by %s', async (name) => {
    const { supervisor } = await startSupervisor();
    const process = await supervisor.spawn(command('sleep', ['1000']));
    await process.kill(name);
    if (name === 'SIGSTOP') {
      await until(() => stateOf(process.pid!) === 'T', 'stopped');
      await process.kill('SIGCONT');
      await until(() => stateOf(process.pid!) === 'S', 'continued');
    }
    await process.kill('SIGKILL', 'tree');
    expect(await process.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('ends by a signal that has no name', async () => {
    const { supervisor } = await startSupervisor();
    const { exit } = await run(supervisor, 'sh', ['-c', 'kill -40 $$']);
    expect(exit).toEqual({ code: null, signal: 'SIGRTMIN+6' });
  });

  it('can catch what it gets', async () => {
    const { supervisor } = await startSupervisor();
    const process = await supervisor.spawn(
      command('sh', ['-c', 'trap "echo caught; exit 7" USR2; echo ready; while :; do sleep 0.01; done']),
    );
    expect(await firstOutput(process.stdout)).toBe('ready\n');
    await process.kill('SIGUSR2');
    expect(await textOf(process.stdout)).toBe('caught\n');
    expect(await process.exited).toEqual({ code: 7, signal: null });
  });

  it('reads what is written, and its end, while its output goes on', async () => {
    const { supervisor } = await startSupervisor();
    const process = await supervisor.spawn(command('sh', ['-c', 'cat; echo after'], { stdin: 'pipe' }));
    process.stdin!.write('first\n');
    expect(await firstOutput(process.stdout)).toBe('first\n');
    process.stdin!.end('last\n');
    expect(await textOf(process.stdout)).toBe('last\nafter\n');
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });

  it('reads the end at once without a pipe', async () => {
    const { supervisor } = await startSupervisor();
    const { stdout, exit } = await run(supervisor, 'cat');
    expect({ stdout, exit }).toEqual({ stdout: '', exit: { code: 0, signal: null } });
  });

  it('keeps its outputs apart, and hands over all of them before its end is told', async () => {
    const { supervisor } = await startSupervisor();
    const { stdout, stderr, exit } = await run(supervisor, 'sh', ['-c', 'echo out; echo err >&2; exit 3']);
    expect({ stdout, stderr, exit }).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exit: { code: 3, signal: null },
    });
  });

  it('is told from its outputs: they end with their last holder, exited with the process', async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const process = await supervisor.spawn(command('sh', ['-c', `sleep ${seconds} & echo started`]));
    expect(await process.exited).toEqual({ code: 0, signal: null });
    await firstOutput(process.stdout);
    await until(() => processesWith(seconds).length === 1, 'a sleep and no shell any more');
    expect(process.stdout.readableEnded).toBe(false);
    expect((await process.descendants()).map(({ name }) => name)).toEqual(['sleep']);
    await process.kill('SIGKILL', 'tree');
    expect(await textOf(process.stdout)).toBe('');
  });

  it("has the variables that were given and no other, or the supervisor's besides", async () => {
    const { supervisor } = await startSupervisor({
      PATH: process.env.PATH,
      OWN: 'supervisor',
      BOTH: 'supervisor',
    });
    const env = { PATH: process.env.PATH!, BOTH: 'a=b\nc', EMPTY: '', ünï: '✓' };
    const lines = (text: string): string[] =>
      text
        .split('\0')
        .filter((line) => line !== '')
        .sort();
    const given = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const complete = await run(supervisor, 'env', ['-0'], { env });
    expect(lines(complete.stdout)).toEqual(given.sort());
    const additive = await run(supervisor, 'env', ['-0'], { env, additiveEnv: true });
    expect(lines(additive.stdout)).toEqual([...given, 'OWN=supervisor'].sort());
  });

  it('gets its arguments unchanged, and its directory', async () => {
    const { supervisor } = await startSupervisor();
    const args = ['', ' ', 'a b', '"', "'", '$HOME', '*', '\n', '\\', '日本', '\u{1f600}'];
    const { stdout } = await run(supervisor, 'printf', ['%s\\0', ...args]);
    expect(stdout).toBe(args.map((argument) => `${argument}\0`).join(''));
    expect((await run(supervisor, 'pwd', ['-P'], { cwd: '/usr' })).stdout).toBe('/usr\n');
  });

  it('knows what it has used', async () => {
    const { supervisor } = await startSupervisor();
    const process = await supervisor.spawn(
      command('sh', ['-c', 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done']),
    );
    const { userMicroseconds, maxResidentBytes } = await process.usage;
    expect(userMicroseconds).toBeGreaterThan(1000);
    expect(maxResidentBytes).toBeGreaterThan(100_000);
    expect(maxResidentBytes).toBeLessThan(100_000_000);
  });

  it('is not started where that is aborted, and leaves nothing where it has been', async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const controllers = Array.from({ length: 20 }, () => new AbortController());
    const spawned = controllers.map(({ signal }) =>
      supervisor.spawn(command('sleep', [seconds]), { signal }),
    );
    for (const controller of controllers) controller.abort(new Error('enough'));
    const reasons = controllers.map(({ signal }) => ({ status: 'rejected', reason: signal.reason }));
    expect(await Promise.allSettled(spawned)).toEqual(reasons);
    expect(processesWith(seconds)).toEqual([]);
  });

  it('can be had over one socket as well as over two pipes', async () => {
    const stdio = ['ignore', 'ignore', 'inherit', 'pipe'] as const;
    const program = spawn(supervisorBinary(), ['--stream', '3'], { stdio: [...stdio] });
    const ended = once(program, 'exit');
    const supervisor = await connectSupervisor(program.stdio[3] as Duplex);
    expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
    await supervisor.close();
    expect(await ended).toEqual([0, null]);
  });

  it('runs as another user, without other groups, where the supervisor may', async () => {
    const { supervisor } = await startSupervisor();
    const spawned = run(supervisor, 'sh', ['-c', 'id -u; id -g; id -G'], {
      user: { uid: 12_345, gid: 6789 },
    });
    if (supervisor.canSwitchUsers) expect((await spawned).stdout).toBe('12345\n6789\n6789\n');
    else await expect(spawned).rejects.toMatchObject({ phase: 'user', code: 'EPERM' });
  });

  it('is started, seen and signalled a thousand times at once', { timeout: 120_000 }, async () => {
    const { supervisor } = await startSupervisor();
    const processes = await Promise.all(
      Array.from({ length: 1000 }, () => supervisor.spawn(command('cat', [], { stdin: 'pipe' }))),
    );
    expect(new Set(processes.map(({ pid }) => pid)).size).toBe(1000);
    const ends = processes.map(async ({ stdin, stdout, exited }, index) => {
      stdin!.end(`${index}`);
      return [await textOf(stdout), (await exited).code];
    });
    expect(await Promise.all(ends)).toEqual(processes.map((_, index) => [`${index}`, 0]));
  });
});
