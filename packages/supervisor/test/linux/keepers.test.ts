import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { command, isRunnable, run, startSupervisor, textOf, until, WHERE } from './real-supervisor.js';

/** Ids of the processes, zombies left out, whose parent is that one. */
function childrenOf(pid: number): number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number);
  return listed.filter((child) => child > 0 && stateOf(child) !== 'Z');
}

function stateOf(pid: number): string {
  try {
    return /\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 'Z';
  } catch {
    return 'Z'; // ended meanwhile
  }
}

describe.runIf(isRunnable)(`keepers ${WHERE}`, () => {
  it('keep one program after the other, and end when there is none', async () => {
    const { supervisor } = await startSupervisor();
    const seen = new Set<number>();
    for (let number = 0; number < 20; number++) {
      expect((await run(supervisor, 'echo', [`${number}`])).stdout).toBe(`${number}\n`);
      for (const pid of childrenOf(supervisor.pid)) seen.add(pid);
    }
    expect(seen.size).toBe(1);
    await until(() => childrenOf(supervisor.pid).length === 0, 'ended');
    expect((await run(supervisor, 'echo', ['again'])).stdout).toBe('again\n');
  });

  it('are few when nothing runs, however much has run', async () => {
    const { supervisor } = await startSupervisor();
    await Promise.all(Array.from({ length: 50 }, () => run(supervisor, 'true')));
    await until(() => childrenOf(supervisor.pid).length <= 8, 'few');
  });

  it('do not wait where their number is limited', async () => {
    const { supervisor } = await startSupervisor(undefined, { args: ['--spares', '0'] });
    const seen = new Set<number>();
    for (let number = 0; number < 5; number++) {
      const one = await supervisor.spawn(command('cat', [], { stdin: 'pipe' }));
      for (const pid of childrenOf(supervisor.pid)) seen.add(pid);
      one.stdin?.end();
      expect(await textOf(one.stdout)).toBe('');
      await one.exited;
    }
    expect(seen.size, 'a keeper of its own for each').toBe(5);
  });

  it('that were killed or stopped while they had nothing to keep are not waited for', async () => {
    const { supervisor } = await startSupervisor();
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      await Promise.all([run(supervisor, 'sleep', ['0.1']), run(supervisor, 'sleep', ['0.1'])]);
      const idle = childrenOf(supervisor.pid);
      expect(idle.length).toBeGreaterThan(0);
      for (const pid of idle) process.kill(pid, signal);
      expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
      expect((await run(supervisor, 'echo', ['ho'])).stdout).toBe('ho\n');
    }
  });

  it.each([
    ['pipes', undefined, 'hi there\n'],
    ['a terminal', { columns: 80, rows: 24 }, 'hi there\r\n'],
  ])(
    'that end before they start what they were ordered are replaced, with %s',
    async (_what, tty, expected) => {
      const { supervisor } = await startSupervisor();
      await run(supervisor, 'true');
      const [keeper = 0] = childrenOf(supervisor.pid);
      // It cannot take the streams: nothing says so but its end.
      execFileSync('prlimit', ['--pid', `${keeper}`, '--nofile=0:0']);
      const how = tty === undefined ? { stdin: 'pipe' as const } : { stdin: 'pipe' as const, tty };
      const script = 'stty -echo 2> /dev/null; echo ready; read line; echo "hi $line"';
      const process = await supervisor.spawn(command('sh', ['-c', script], how));
      process.stdin?.write('there\n');
      const [stdout, exit] = await Promise.all([textOf(process.stdout), process.exited]);
      expect(stdout).toContain(expected);
      expect(exit).toEqual({ code: 0, signal: null });
      expect(childrenOf(supervisor.pid)).not.toContain(keeper);
    },
  );

  it('start what is too much for a message, too', async () => {
    const { supervisor } = await startSupervisor();
    await run(supervisor, 'true');
    const value = 'v'.repeat(100_000);
    const { stdout } = await run(supervisor, 'sh', ['-c', 'printf %s "$VALUE"'], {
      env: { PATH: process.env.PATH ?? '', VALUE: value },
    });
    expect(stdout).toBe(value);
  });

  it('forget what they were told about an earlier program', async () => {
    const { supervisor } = await startSupervisor();
    for (let number = 0; number < 50; number++) {
      const one = await supervisor.spawn(command('true'));
      // Some come while it runs, some when it has ended.
      await Promise.all([one.kill('SIGKILL', 'tree'), one.exited]);
      expect((await run(supervisor, 'sleep', ['0.002'])).exit).toEqual({ code: 0, signal: null });
    }
  });
});
