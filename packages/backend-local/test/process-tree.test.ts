import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { ProcessTree } from '../src/process-tree.js';

const started: ChildProcess[] = [];

afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});

/** A process without a mark, which leads a session of its own. */
function unmarked(): number {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  started.push(child);
  if (child.pid === undefined) throw new Error('sleep did not start');
  return child.pid;
}

const noMark = (): boolean => false;

describe.runIf(process.platform === 'linux')('a tree of processes', () => {
  it('has its leader while that runs, whether or not its mark can be read: in the moment of an exec it cannot', async () => {
    const pid = unmarked();
    const tree = new ProcessTree(noMark, () => [{ pid, running: true }]);
    expect((await tree.members()).map((entry) => entry.pid)).toEqual([pid]);
    await tree.kill('SIGTERM');
    const [leader] = started;
    if (leader?.signalCode === null) await once(leader, 'exit');
    expect(leader?.signalCode).toBe('SIGTERM');
  });

  it('has nothing of somebody who got the id of a leader that has ended', async () => {
    const pid = unmarked();
    const tree = new ProcessTree(noMark, () => [{ pid, running: false }]);
    expect(await tree.members()).toEqual([]);
    await tree.kill('SIGKILL');
    expect(started[0]?.signalCode).toBeNull();
  });
});
