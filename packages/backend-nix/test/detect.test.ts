import { existsSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { Detection } from '@companion/core/backend';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nixBackend } from '../src/backend.js';
import type { NixOptions } from '../src/options.js';
import { makeFlake } from './engines/flakes.js';
import { request } from './request.js';
import { lives } from './shell/entering.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const isWindows = process.platform === 'win32';
const detect = (sourceDir: string, options?: NixOptions) =>
  nixBackend.detect(request(sourceDir, options), {});

test('a directory without a flake is told at once, with what would make it one', async () => {
  await using project = await makeFlake({ 'README.md': '' });
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const startedAt = performance.now();
    expect(await detect(project.directory)).toEqual({
      available: false,
      reason: `there is no ${project.directory}/flake.nix`,
      hint: expect.stringContaining('nix flake init'),
    });
    times.push(performance.now() - startedAt);
  }
  expect(Math.min(...times)).toBeLessThan(10);
});

test('a file that is asked for and not there is told', async () => {
  await using project = await makeFlake({ 'flake.nix': '{ }' });
  expect(await detect(project.directory, { file: 'shell.nix' })).toMatchObject({
    available: false,
    reason: `there is no ${project.directory}/shell.nix`,
  });
});

// Root may read everything.
test.skipIf(isWindows || process.getuid?.() === 0)('a flake.nix that may not be read is told', async () => {
  await using project = await makeFlake({ 'flake.nix': '{ }' });
  await chmod(`${project.directory}/flake.nix`, 0);
  expect(await detect(project.directory)).toMatchObject({
    available: false,
    reason: `${project.directory}/flake.nix may not be read`,
  });
});

test.runIf(isWindows)('on Windows the hint is WSL', async () => {
  await using project = await makeFlake({ 'flake.nix': '{ }' });
  expect(await detect(project.directory)).toMatchObject({
    available: false,
    hint: expect.stringContaining('WSL'),
  });
});

const installed = ['/nix/var/nix/profiles/default/bin/nix', '/run/current-system/sw/bin/nix'].some(
  existsSync,
);
test.skipIf(isWindows || installed)('without nix the hint is how this platform gets it', async () => {
  await using project = await makeFlake({ 'flake.nix': '{ }' });
  vi.stubEnv('PATH', project.directory);
  vi.stubEnv('HOME', project.directory);
  expect(await detect(project.directory)).toEqual({
    available: false,
    reason: 'nix is not installed',
    hint: expect.stringContaining('curl -L https://nixos.org/nix/install | sh'),
  });
});

test('a directory of that name is no flake', async () => {
  await using project = await makeFlake({ 'flake.nix/README.md': '' });
  expect(await detect(project.directory)).toMatchObject({
    available: false,
    reason: `${project.directory}/flake.nix is not a file`,
  });
});

describe.skipIf(isWindows)('of a nix that', () => {
  const detectWith = async (script: string, signal?: AbortSignal): Promise<Detection> => {
    await using project = await makeFlake({ 'flake.nix': '{ }', nix: `#!/bin/sh\n${script}\n` });
    await chmod(`${project.directory}/nix`, 0o755);
    vi.stubEnv('PATH', `${project.directory}:${process.env.PATH}`);
    return await nixBackend.detect(request(project.directory), { signal });
  };

  test('does not run, the reason is its own', async () => {
    expect(await detectWith('echo "cannot open shared object file" >&2; exit 127')).toEqual({
      available: false,
      reason: 'nix does not run: cannot open shared object file',
    });
  });

  test('knows no flakes, the reason is its age', async () => {
    const old = `case $1 in --version) echo 'nix (Nix) 2.3.16';; *) echo "error: 'flake' is not a recognised command" >&2; exit 1;; esac`;
    expect(await detectWith(old)).toMatchObject({
      available: false,
      reason: 'Nix 2.3.16 is too old for flakes',
    });
  });

  test.each([
    ['nix (Nix) 2.31.2', 'Nix 2.31.2'],
    ['nix (Lix, like Nix) 2.93.3', 'Lix 2.93.3'],
    ['nix (Determinate Nix 3.11.2) 2.31.1', 'Determinate Nix 3.11.2 2.31.1'],
  ])('calls itself %s, the detail is %s', async (version, detail) => {
    const script = `case $1 in --version) echo '${version}';; *) echo "error: path does not exist" >&2; exit 1;; esac`;
    expect(await detectWith(script)).toEqual({
      available: true,
      detail: expect.stringMatching(`^${detail}, /`),
    });
  });

  test('never answers, an abort is the end', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const answer = detectWith('exec sleep 1000', controller.signal);
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });

  test('waits for another program, an abort ends that, too', async () => {
    await using project = await makeFlake({ 'README.md': '' });
    const started = `${project.directory}/started`;
    const controller = new AbortController();
    const answer = detectWith(`sleep 1000 & echo $! >> ${started}; wait`, controller.signal);
    const pids = (): number[] =>
      readFileSync(started, { flag: 'a+', encoding: 'utf8' }).trim().split('\n').map(Number);
    await vi.waitFor(() => expect(pids()).toHaveLength(2), { timeout: 10_000 });
    controller.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    await vi.waitFor(() => expect(pids().filter(lives)).toEqual([]), { timeout: 10_000 });
  });

  test('is another program, that is the reason', async () => {
    expect(await detectWith('echo another program')).toMatchObject({
      available: false,
      reason: expect.stringMatching(/\/nix is not Nix: it says "another program"$/),
    });
  });
});

test.each([
  [{ attribute: '--help' }, 'attribute'],
  [{ args: ['a\0b'] }, 'args'],
])('%j is a mistake', (options, name) => {
  expect(() => nixBackend.checkOptions?.(options)).toThrow(`backendOptions.nix.${name}: expected`);
});
