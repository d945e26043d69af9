import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { HostProcesses } from '@companion/backend-local/spawn';
import { expect, test } from 'vitest';
import { findNix } from '../../src/nix/find-nix.js';
import { runNix } from '../../src/nix/run-nix.js';
import { makeFlake, shell, shellFlake } from '../engines/flakes.js';
import { onNix } from '../engines/on-nix.js';
import { slowServer } from './slow-server.js';

const execute = promisify(execFile);
/** Text that no compression makes less than 1.5 MiB. */
const LARGE = randomBytes(6 * 2 ** 18).toString('base64');

onNix('a download', (nix) => {
  /** What is told while the shell of a flake is made. */
  const progressOf = async (
    cwd: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<readonly string[]> => {
    const sentences: string[] = [];
    const program = findNix(nix().env);
    if (program === undefined) throw new Error('nix is not there');
    await runNix(new HostProcesses(), {
      program,
      args: ['print-dev-env', '--json'],
      env: { ...nix().env, ...env },
      cwd,
      timeoutMs: 60_000,
      onProgress: (sentence) => sentences.push(sentence),
    });
    return sentences;
  };

  test('of an input is told with its bytes, and without the secrets of its address', async () => {
    await using flake = await makeFlake({ 'input/large': LARGE });
    await using server = await slowServer(flake.directory);
    await execute('tar', ['-czf', 'input.tar.gz', 'input'], { cwd: flake.directory });
    const url = `${server.address}/input.tar.gz`;
    const text = shellFlake('').replace(
      '{',
      `{ inputs.large = { url = "${url}?token=hunter2"; flake = false; };`,
    );
    await flake.write({ 'flake.nix': text.replace('{ self }', '{ self, large }') });
    const told = (await progressOf(flake.directory)).filter((sentence) => sentence.startsWith('downloading'));
    expect(told.length).toBeGreaterThan(1);
    for (const sentence of told) expect(sentence).toContain(`downloading ${url}?token=*** (`);
    expect(told.at(-1)).toMatch(/\([01]\.\d of 1\.\d MiB\)$/);
  });

  test('from a cache is told by the name of what is fetched, with the bytes of everything', async () => {
    await using flake = await makeFlake({ large: LARGE });
    // Nix kills what has closed its output and not yet ended, so bash is to be the last.
    const copy = (name: string): string =>
      shell(
        `name = "${name}"; PATH = "/bin:/usr/bin"; large = ./large; args = [ "-c" "cp $large $out; exit" ];`,
      );
    await flake.write({ 'flake.nix': shellFlake(`FIRST = ${copy('first')}; SECOND = ${copy('second')};`) });
    await using cache = await makeFlake({ 'README.md': '' });
    const { env } = nix();
    const made = await execute('nix', ['print-dev-env', '--json'], { cwd: flake.directory, env });
    const { FIRST, SECOND } = JSON.parse(made.stdout).variables;
    await execute('nix', ['copy', '--to', `file://${cache.directory}`, FIRST.value, SECOND.value], { env });
    await execute('nix-store', ['--gc'], { env });
    await using server = await slowServer(cache.directory);
    const settings = `substituters = ${server.address}\nrequire-sigs = false`;
    const told = (await progressOf(flake.directory, { NIX_CONFIG: settings })).filter((sentence) =>
      sentence.startsWith('downloading'),
    );
    expect(told.length).toBeGreaterThan(1);
    for (const sentence of told)
      expect(sentence).toMatch(/^downloading (?:first|second)(?: \(\d\.\d of 3\.\d MiB\))?$/);
  });
});
