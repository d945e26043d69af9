import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeFlake, shell, shellFlake } from '../engines/flakes.js';
import { onNix } from '../engines/on-nix.js';

const packageFolder = join(import.meta.dirname, '../..');
const TIMEOUT_MS = 20_000;

onNix('an owner that is killed while nix works', (nix) => {
  test('takes nix and its builders along', async () => {
    await using flake = await makeFlake('');
    const file = `${flake.directory}/pid`;
    const sleeping = shell(
      `name = "sleeping"; PATH = "/bin:/usr/bin"; args = [ "-c" "echo $PPID $$ > ${file}; sleep 1000 & wait" ];`,
    );
    await flake.write({ 'flake.nix': shellFlake(`SLEEPING = ${sleeping};`) });
    const owner = start(flake.directory, nix().env);
    const [byNix, builder] = await pidsIn(file);
    expect([byNix, builder].map(isAlive)).toEqual([true, true]);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const deadline = Date.now() + TIMEOUT_MS;
    while (isAlive(byNix) || isAlive(builder)) {
      if (Date.now() > deadline) throw new Error('still there');
      await setTimeout(10);
    }
  });
});

/** Another Node that makes the shell of the flake: from the built packages, as it is no test runner. */
function start(directory: string, env: Readonly<Record<string, string>>): ChildProcess {
  const program = `
import { HostProcesses } from '@companion/backend-local/spawn';
import { findNix, nixVariables } from './dist/nix/find-nix.js';
import { runNix } from './dist/nix/run-nix.js';
const env = nixVariables();
const args = ['print-dev-env', '--json'];
const cwd = ${JSON.stringify(directory)};
await runNix(new HostProcesses(), { program: findNix(env), args, env, cwd, timeoutMs: 600_000 });`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: packageFolder,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
}

async function pidsIn(file: string): Promise<[number, number]> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const [parent, own] = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').map(Number) : [];
    if (parent !== undefined && own !== undefined) return [parent, own];
    if (Date.now() > deadline) throw new Error('the builder has not started');
    await setTimeout(10);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
