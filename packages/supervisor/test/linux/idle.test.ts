import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { supervisorBinary } from '../../src/binary.js';
import { connectSupervisor } from '../../src/supervisor.js';
import { isRunnable, processesWith, run, uniqueSeconds, until, WHERE } from './real-supervisor.js';

const isRoot = process.getuid?.() === 0;
const outer: ChildProcess[] = [];

afterEach(async () => {
  for (const child of outer.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});

/** As an engine does it: the first process of a namespace, which is entered from outside. */
async function startIdle(seconds: string) {
  const args = ['--pid', '--fork', '--kill-child', '--mount-proc', supervisorBinary(), '--idle', seconds];
  const child = spawn('unshare', args, { stdio: 'ignore' });
  outer.push(child);
  const ended = once(child, 'exit');
  let pid = 0;
  await until(() => {
    pid = processesWith('--idle').find((one) => one !== child.pid && isChildOf(one, child.pid)) ?? 0;
    return pid !== 0;
  }, 'started');
  const enter = (...command: string[]): ChildProcess => {
    const inside = spawn('nsenter', ['--target', `${pid}`, '--pid', '--mount', ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    outer.push(inside);
    return inside;
  };
  return { pid, ended, enter };
}

function isChildOf(pid: number, parent: number | undefined): boolean {
  return spawnSync('ps', ['-o', 'ppid=', '-p', `${pid}`], { encoding: 'utf8' }).stdout.trim() === `${parent}`;
}

describe.runIf(isRunnable && isRoot)(`--idle ${WHERE}, as root`, () => {
  it('ends when nobody has been there for so long, and not before', { timeout: 60_000 }, async () => {
    const { ended, enter } = await startIdle('2');
    const entered = enter('sleep', '4');
    const first = await Promise.race([
      ended.then(() => 'the namespace'),
      once(entered, 'exit').then(() => 'who entered'),
    ]);
    expect(first).toBe('who entered');
    expect(await ended).toEqual([0, null]);
  });

  it('serves supervisors that enter, whose owners come and go, and reaps what they leave', async () => {
    const { pid, enter } = await startIdle('1000');
    for (let owner = 0; owner < 2; owner++) {
      const { stdin, stdout } = enter(supervisorBinary());
      const supervisor = await connectSupervisor({ readable: stdout!, writable: stdin! });
      expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
      await supervisor.close();
    }
    const { stdin, stdout } = enter('sh', '-c', '(sleep 0.1 &) ; (exit 3) & echo; read -r _');
    await once(stdout!, 'data');
    const childrenOf = () => spawnSync('ps', ['-o', 'pid=', '--ppid', `${pid}`], { encoding: 'utf8' }).stdout;
    await until(() => childrenOf() === '', 'reaped');
    stdin!.end();
  });

  it('ends with TERM from outside, with everything that is there', async () => {
    const { pid, ended, enter } = await startIdle('1000');
    const seconds = uniqueSeconds();
    enter('sh', '-c', `trap "" TERM; sleep ${seconds}`);
    await until(() => processesWith(seconds).length > 0, 'there');
    process.kill(pid, 'SIGTERM');
    expect(await ended).toEqual([0, null]);
    await until(() => processesWith(seconds).length === 0, 'gone');
  });

  it('takes no signal from inside', async () => {
    const { ended, enter } = await startIdle('1000');
    const script = 'for signal in TERM INT HUP QUIT USR1 KILL STOP; do kill -$signal 1; done; echo done';
    const [said] = await once(enter('sh', '-c', script).stdout!, 'data');
    expect(String(said)).toBe('done\n');
    const [exit] = await once(enter('true'), 'exit');
    expect(exit).toBe(0);
    expect(await Promise.race([ended, 'still there'])).toBe('still there');
  });

  it('is refused to anybody but the first process of a namespace', () => {
    const refused = spawnSync(supervisorBinary(), ['--idle', '1'], { encoding: 'utf8' });
    expect(refused.status).toBe(2);
    expect(refused.stderr).toBe('--idle is for the first process of a pid namespace\n');
  });
});
