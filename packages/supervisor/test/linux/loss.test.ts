import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  command,
  isRunnable,
  processesWith,
  run,
  startSupervisor,
  uniqueSeconds,
  until,
  WHERE,
} from './real-supervisor.js';

const TREES = 100;

describe.runIf(isRunnable)(`the end ${WHERE}`, () => {
  async function forest() {
    const { supervisor, child } = await startSupervisor();
    const seconds = uniqueSeconds();
    const script = `trap '' TERM; setsid sleep ${seconds} & (sleep ${seconds} &) ; sleep ${seconds}`;
    const processes = await Promise.all(
      Array.from({ length: TREES }, () => supervisor.spawn(command('sh', ['-c', script], { stdin: 'pipe' }))),
    );
    await until(() => processesWith(seconds).length === 3 * TREES, 'all there');
    return { supervisor, child, seconds, processes };
  }

  it('of the stream ends every process', { timeout: 60_000 }, async () => {
    const { supervisor, child, seconds, processes } = await forest();
    const exited = once(child, 'exit');
    child.stdin!.destroy();
    child.stdout!.destroy();
    expect((await supervisor.lost).message).toContain('the supervisor has gone');
    for (const one of processes) await expect(one.exited).rejects.toThrow('the supervisor has gone');
    await exited;
    expect(processesWith(seconds)).toEqual([]);
  });

  it('that close() brings ends every process, too', { timeout: 60_000 }, async () => {
    const { supervisor, child, seconds, processes } = await forest();
    const exited = once(child, 'exit');
    await supervisor.close();
    for (const one of processes) await expect(one.exited).rejects.toThrow('was closed');
    expect(await exited).toEqual([0, null]);
    expect(processesWith(seconds)).toEqual([]);
  });

  it('of the supervisor itself rejects whatever waits, and ends every process', {
    timeout: 60_000,
  }, async () => {
    const { supervisor, child, seconds, processes } = await forest();
    const pending = [supervisor.ping(), processes[0]!.exited, supervisor.spawn(command('sleep', ['1']))];
    const errors = processes.map(({ stdout }) => once(stdout, 'error'));
    child.kill('SIGKILL');
    const error = await supervisor.lost;
    expect(error.message).toContain('the supervisor has gone');
    for (const one of pending.slice(1)) await expect(one).rejects.toBe(error);
    await pending[0]!.catch((reason: unknown) => expect(reason).toBe(error));
    expect(await Promise.all(errors)).toEqual(errors.map(() => [error]));
    await expect(supervisor.spawn(command('true'))).rejects.toBe(error);
    await until(() => processesWith(seconds).length === 0, 'all ended');
  });

  it('is not brought by TERM from inside, nor by a process that kills whatever it may', async () => {
    const { supervisor, child } = await startSupervisor();
    expect((await run(supervisor, 'sh', ['-c', `kill -TERM ${child.pid}`])).exit.code).toBe(0);
    expect((await run(supervisor, 'echo', ['still here'])).stdout).toBe('still here\n');
  });

  it('is brought by TERM from whoever has started it, and ends every process', {
    timeout: 60_000,
  }, async () => {
    const { child, seconds } = await forest();
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(processesWith(seconds)).toEqual([]);
  });

  it('comes after thousands of commands without having grown', { timeout: 120_000 }, async () => {
    const { supervisor, child } = await startSupervisor();
    const measure = () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
    };
    const commands = async (count: number): Promise<void> => {
      let left = count;
      const worker = async (): Promise<void> => {
        while (left-- > 0) await run(supervisor, 'true');
      };
      await Promise.all(Array.from({ length: 8 }, worker));
    };
    await commands(200);
    const before = measure();
    await commands(3000);
    expect(measure() - before).toBeLessThan(512);
  });
});
