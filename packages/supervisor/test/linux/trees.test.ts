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

/** Leaves descendants that have left their parent, their session, their group and their variables behind. */
const escaping = (seconds: string): string[] => [
  '-c',
  [
    `sleep ${seconds} &`,
    `setsid sleep ${seconds} &`,
    `(setsid sh -c 'sleep ${seconds} & sleep ${seconds} &' &)`,
    `env -i "$(command -v setsid)" "$(command -v sleep)" ${seconds} &`,
    `(trap '' TERM HUP INT; exec setsid sleep ${seconds}) &`,
    'echo ready',
    '[ "$1" = stay ] && wait',
  ].join('\n'),
  'sh',
];
const ESCAPED = 6;

describe.runIf(isRunnable)(`a tree of processes ${WHERE}`, () => {
  it('is seen and killed whole, whatever its members did to get away', async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const process = await supervisor.spawn(command('sh', [...escaping(seconds), 'stay']));
    await firstOutput(process.stdout);
    await until(() => processesWith(seconds).length === ESCAPED, 'all there');
    const found = (await process.descendants()).map(({ pid }) => pid).sort();
    expect(found).toEqual(processesWith(seconds).sort());
    await process.kill('SIGKILL', 'tree');
    expect(processesWith(seconds)).toEqual([]);
    expect(await process.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('is seen and killed after its first process has ended', async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const process = await supervisor.spawn(command('sh', escaping(seconds)));
    expect((await process.exited).code).toBe(1);
    await until(() => processesWith(seconds).length === ESCAPED, 'all there');
    expect((await process.descendants()).length).toBe(ESCAPED);
    await process.kill('SIGTERM', 'tree');
    // One of them is deaf to it.
    await until(() => processesWith(seconds).length === 1, 'all but one ended');
    await process.kill('SIGKILL', 'tree');
    expect(processesWith(seconds)).toEqual([]);
    expect(await process.descendants()).toEqual([]);
  });

  it("is another than its neighbours'", async () => {
    const { supervisor } = await startSupervisor();
    const [one, other] = [uniqueSeconds(), uniqueSeconds()];
    const first = await supervisor.spawn(command('sh', [...escaping(one), 'stay']));
    const second = await supervisor.spawn(command('sh', [...escaping(other), 'stay']));
    await until(() => processesWith(one).length + processesWith(other).length === 2 * ESCAPED, 'all there');
    await first.kill('SIGKILL', 'tree');
    expect([processesWith(one).length, processesWith(other).length]).toEqual([0, ESCAPED]);
    await second.kill('SIGKILL', 'tree');
    expect(processesWith(other)).toEqual([]);
  });

  it('does not outlive one that forks as fast as it can', { timeout: 60_000 }, async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const script = `i=0; while [ $i -lt 300 ]; do setsid sleep ${seconds} & i=$((i+1)); done; wait`;
    const process = await supervisor.spawn(command('sh', ['-c', script]));
    await until(() => processesWith(seconds).length > 50, 'forking');
    await process.kill('SIGKILL', 'tree');
    expect(processesWith(seconds)).toEqual([]);
  });

  it('ends with all others by endAll(), and the supervisor goes on', async () => {
    const { supervisor } = await startSupervisor();
    const seconds = uniqueSeconds();
    const first = await supervisor.spawn(command('sh', escaping(seconds)));
    const second = await supervisor.spawn(command('sh', [...escaping(seconds), 'stay']));
    await until(() => processesWith(seconds).length === 2 * ESCAPED, 'all there');
    await supervisor.endAll({ graceMs: 100 });
    expect(processesWith(seconds)).toEqual([]);
    await Promise.all([first.exited, second.exited]);
    expect((await run(supervisor, 'echo', ['still here'])).stdout).toBe('still here\n');
  });
});
