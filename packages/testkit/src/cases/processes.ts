import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { CompanionRunner } from '@companion/core';
import type { ConformanceCase } from '../case.js';
import { isAlive, isAliveInside } from '../liveness.js';
import { sh } from '../shell.js';

/**
 * Looks for a process that has `$1$2` among its words; the two are given apart, so that nothing that looks has the whole.
 * By /proc, and by ps(1) where there is none.
 */
const LOOK = `
words=$(if [ -e /proc/self/cmdline ]; then cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\000' ' '; else ps -A -o args=; fi)
case $words in *"$1$2"*) echo seen ;; *) echo unseen ;; esac`;

/** Whether inside a process of this machine can be seen that is not the companion's. */
async function seesThisMachine(runner: CompanionRunner): Promise<boolean> {
  const [first, second] = [randomBytes(6).toString('hex'), randomBytes(6).toString('hex')];
  const stranger = spawn(process.execPath, ['-e', 'process.stdin.resume()', first + second], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const exited = new Promise((resolve) => stranger.once('close', resolve));
  try {
    await new Promise((resolve, reject) => stranger.once('spawn', resolve).once('error', reject));
    return (await runner.run(...sh(LOOK, first, second))).stdout === 'seen\n';
  } finally {
    stranger.kill('SIGKILL');
    await exited;
  }
}

/** Whose process ids are whose. */
export const processesCases: readonly ConformanceCase[] = [
  {
    id: 'processes.shared',
    title: 'where process ids are shared, those inside are those of this machine',
    since: 1,
    requires: { processes: 'shared' },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const running = await runner.spawn('cat');
      assert.ok(running.pid !== null, 'a process that runs must have a pid');
      assert.equal(await isAlive(running.pid), true, 'its pid must be a process of this machine');
      assert.equal(runner.clientProcessId, process.pid, 'a client must be known inside by its own pid');
      assert.equal(await isAliveInside(runner, process.pid), true, 'this process must be there inside');
      assert.equal(await seesThisMachine(runner), true, 'processes of this machine must be seen inside');
      running.stdin.end();
      await running.wait();
    },
  },
  {
    id: 'processes.private',
    title: 'where process ids are private, nothing inside sees the processes of this machine',
    since: 1,
    requires: { processes: 'private' },
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      assert.equal(runner.clientProcessId, null, 'a client must not be named by a pid that means another');
      assert.equal(await seesThisMachine(runner), false, 'processes of this machine must not be seen inside');
      const running = await runner.spawn(...sh('echo $$; read -r _'));
      assert.ok(running.pid !== null, 'a process that runs must have a pid');
      const said = (await running.lines().next()).value;
      assert.equal(said, String(running.pid), 'its pid must be the one that it has inside');
      assert.equal(await isAliveInside(runner, running.pid), true, 'others inside must see it by that pid');
      running.stdin.end();
      await running.wait();
    },
  },
];
