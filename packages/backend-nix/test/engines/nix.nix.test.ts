import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { makeFlake, shellFlake } from './flakes.js';
import { startNix } from './nix.mjs';
import { onNix } from './on-nix.js';

onNix('the Nix of the tests', (nix) => {
  test('enters a shell without a word on standard error', async () => {
    await using flake = await makeFlake(shellFlake('GREETING = "hello";'), { git: true });
    const options = { cwd: flake.directory, env: nix().env };
    const enter = (command: string) =>
      promisify(execFile)('nix', ['develop', '--command', 'bash', '-c', command], options);
    await enter('true');
    const { stdout, stderr } = await enter('echo $GREETING');
    expect(stdout).toBe('hello\n');
    expect(stderr).toBe('');
  });

  test('leaves nothing when it stops', async () => {
    const other = await startNix();
    await using flake = await makeFlake(shellFlake(''));
    await promisify(execFile)('nix', ['print-dev-env', '--json', flake.directory], { env: other.env });
    expect(await readdir(`${other.directory}/store`)).not.toEqual([]);
    await other.stop();
    expect(existsSync(other.directory)).toBe(false);
  });
});
