import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isRunnable, run, startSupervisor, WHERE } from './real-supervisor.js';

const isRoot = process.getuid?.() === 0;
const AS_FIRST = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

describe.runIf(isRunnable && isRoot)(`the first process of a pid namespace ${WHERE}, as root`, () => {
  it('hears no signal from inside', async () => {
    const { supervisor } = await startSupervisor(undefined, { wrapper: AS_FIRST });
    expect(supervisor.pid).toBe(1);
    const script = 'for signal in TERM INT HUP QUIT USR1 KILL STOP; do kill -$signal 1; done; echo done';
    expect((await run(supervisor, 'sh', ['-c', script])).stdout).toBe('done\n');
    expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
  });

  it.each([
    ['root', undefined],
    ['another user', { uid: 54_321, gid: 54_321 }],
  ])('offers what it starts to a kernel without memory before itself: %s', async (_who, user) => {
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
    const { supervisor } = await startSupervisor(undefined, { wrapper: AS_FIRST });
    const file = '/proc/self/oom_score_adj';
    const script = `cat ${file} /proc/1/oom_score_adj; echo ${own + 200} > ${file}; cat ${file}`;
    const more = user === undefined ? {} : { user };
    const { stdout } = await run(supervisor, 'sh', ['-c', script], more);
    expect(stdout.trim().split('\n').map(Number)).toEqual([own + 100, own, own + 200]);
  });
});
