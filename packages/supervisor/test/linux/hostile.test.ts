import { describe, expect, it } from 'vitest';
import {
  command,
  firstOutput,
  isRunnable,
  processesWith,
  run,
  startSupervisor,
  uniqueSeconds,
  until,
  WHERE,
} from './real-supervisor.js';

const isRoot = process.getuid?.() === 0;

/** Programs have the supervisor's own user id here, as in a sandbox, and their keeper is their parent. */
describe.runIf(isRunnable)(`a program that attacks its keeper ${WHERE}`, () => {
  it('by stopping it is killed with its tree all the same', async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const script = `trap "" TERM; setsid sleep ${seconds} & kill -STOP $PPID; echo ready; sleep ${seconds}`;
    const process = await supervisor.spawn(command('sh', ['-c', script]));
    await firstOutput(process.stdout);
    await process.kill('SIGKILL', 'tree');
    expect(processesWith(seconds)).toEqual([]);
    expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
  });

  it('by stopping it does not make the end of all wait', async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const script = `trap "" TERM; kill -STOP $PPID; echo ready; sleep ${seconds}`;
    const process = await supervisor.spawn(command('sh', ['-c', script]));
    await firstOutput(process.stdout);
    await supervisor.endAll({ graceMs: 0 });
    expect(processesWith(seconds)).toEqual([]);
  });

  it('by killing it loses its verdict, and everything that it has started ends', async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const script = `setsid sleep ${seconds} & echo ready; read -r _; kill -KILL $PPID; sleep ${seconds}`;
    const process = await supervisor.spawn(command('sh', ['-c', script], { stdin: 'pipe' }));
    await firstOutput(process.stdout);
    process.stdin?.end('now\n');
    await expect(process.exited).rejects.toThrow('nobody knows how sh ended');
    await until(() => processesWith(seconds).length === 0, 'all gone');
    expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
  });
});

describe.runIf(isRunnable && isRoot)(`a program of another user ${WHERE}, as root`, () => {
  it('opens its outputs by their paths', async () => {
    const { supervisor } = await startSupervisor();
    const user = { uid: 54_321, gid: 54_322 };
    const script = 'echo out > /dev/stdout && echo err > /dev/stderr';
    const { stdout, stderr, exit } = await run(supervisor, 'sh', ['-c', script], { user });
    expect({ stdout, stderr, exit }).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exit: { code: 0, signal: null },
    });
  });
});
