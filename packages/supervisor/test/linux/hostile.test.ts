import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { supervisorBinary } from '../../src/binary.js';
import { connectSupervisor } from '../../src/supervisor.js';
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

/** Only root can make one, which anybody else can become root with. */
const setpriv = isRoot
  ? spawnSync('sh', ['-c', 'command -v setpriv'], { encoding: 'utf8' }).stdout.trim()
  : '';

describe.runIf(isRunnable && setpriv !== '')(`a program that has become root ${WHERE}, as root`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'companion-become-root-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is out of reach, and who ends it is told so', async () => {
    const becomeRoot = join(folder, 'become-root');
    copyFileSync(setpriv, becomeRoot);
    chmodSync(becomeRoot, 0o4755);
    chmodSync(folder, 0o755);
    const child = spawn(supervisorBinary(), { stdio: ['pipe', 'pipe', 'inherit'], uid: 54_321, gid: 54_321 });
    const supervisor = await connectSupervisor({ readable: child.stdout, writable: child.stdin });
    const seconds = uniqueSeconds();
    const script = `"$0" --reuid 0 --regid 0 --clear-groups sleep ${seconds} & sleep ${seconds}`;
    const process = await supervisor.spawn(command('sh', ['-c', script, becomeRoot]));
    const isRootNow = (pid: number) => /^Uid:\s+0\s/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    await until(() => processesWith(seconds).some(isRootNow), 'root');
    try {
      await expect(process.kill('SIGKILL', 'tree')).rejects.toMatchObject({ code: 'EPERM' });
      expect(await process.exited).toEqual({ code: null, signal: 'SIGKILL' });
      expect((await process.descendants()).map(({ pid }) => pid)).toEqual(processesWith(seconds));
      await expect(process.kill('SIGTERM', 'tree')).rejects.toMatchObject({ code: 'EPERM' });
      await expect(supervisor.endAll({ graceMs: 10 })).rejects.toMatchObject({ code: 'EPERM' });
      expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
    } finally {
      for (const pid of processesWith(seconds)) globalThis.process.kill(pid, 'SIGKILL');
    }
    await supervisor.endAll({ graceMs: 10 });
    await supervisor.close();
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
