import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { Detection } from '@companion/core/backend';
import { afterEach, expect, test, vi } from 'vitest';
import { nixBackend } from '../src/backend.js';
import type { NixOptions } from '../src/options.js';
import { makeFlake, shellFlake } from './engines/flakes.js';
import { onNix } from './engines/on-nix.js';
import { request } from './request.js';

onNix('detection', (nix) => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  /** `env` on top of what the Nix of these tests has. */
  const detect = async (
    sourceDir: string,
    { options, env = {} }: { readonly options?: NixOptions; readonly env?: Record<string, string> } = {},
  ): Promise<Detection> => {
    for (const [name, value] of Object.entries({ ...nix().env, ...env })) vi.stubEnv(name, value);
    return await nixBackend.detect(request(sourceDir, options), {});
  };
  const refused = async (...args: Parameters<typeof detect>): Promise<Detection & { available: false }> => {
    const detection = await detect(...args);
    if (detection.available) throw new Error(`available: ${detection.detail}`);
    return detection;
  };

  test('says which nix it is', async () => {
    await using flake = await makeFlake(shellFlake(''));
    const detection = await detect(flake.directory);
    expect(detection).toEqual({
      available: true,
      detail: expect.stringMatching(/^(\w+ )+\d+\.\S+, \/.*\/nix$/),
    });
  });

  test('evaluates nothing: a flake that is wrong is one', async () => {
    await using flake = await makeFlake('{');
    expect((await detect(flake.directory)).available).toBe(true);
  });

  test('takes milliseconds', async () => {
    await using flake = await makeFlake(shellFlake(''), { git: true });
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const startedAt = performance.now();
      expect((await detect(flake.directory)).available).toBe(true);
      times.push(performance.now() - startedAt);
    }
    expect(Math.min(...times)).toBeLessThan(100);
  });

  test.each([
    ['flakes', 'experimental-features = nix-command'],
    ['nix-command', 'experimental-features = flakes'],
  ])('refuses while %s is disabled, and says how to enable it', async (feature, NIX_CONFIG) => {
    await using flake = await makeFlake(shellFlake(''));
    const { reason, hint } = await refused(flake.directory, { env: { NIX_CONFIG } });
    expect(reason).toBe(`the feature ${feature} of nix is disabled`);
    expect(hint).toContain('experimental-features = nix-command flakes');
    expect((await detect(flake.directory)).available).toBe(true);
  });

  test('sees that a file of settings has changed', async () => {
    await using flake = await makeFlake(shellFlake(''));
    const directory = `${nix().env.XDG_CONFIG_HOME}/nix`;
    await mkdir(directory, { recursive: true });
    const set = (text: string): Promise<void> => writeFile(`${directory}/nix.conf`, text);
    // Only these files count then.
    const env = { NIX_USER_CONF_FILES: `${directory}/nix.conf` };
    await set('');
    expect((await detect(flake.directory, { env })).available).toBe(true);
    await set('experimental-features = nix-command\n');
    expect((await detect(flake.directory, { env })).available).toBe(false);
  });

  test('a file that is no flake needs no flakes', async () => {
    await using project = await makeFlake({ 'shell.nix': '{ }' });
    const env = { NIX_CONFIG: 'experimental-features = nix-command' };
    expect((await detect(project.directory, { options: { file: 'shell.nix' }, env })).available).toBe(true);
  });

  test('refuses while the daemon cannot be reached', async () => {
    await using flake = await makeFlake(shellFlake(''));
    const { reason, hint } = await refused(flake.directory, { env: { NIX_REMOTE: 'daemon' } });
    expect(reason).toMatch(/^the Nix daemon cannot be reached: cannot connect to socket at/);
    expect(hint).toMatch(/^Start the Nix daemon/);
  });

  test('refuses with settings that Nix refuses, and does not show them', async () => {
    await using flake = await makeFlake(shellFlake(''));
    const { reason } = await refused(flake.directory, { env: { NIX_CONFIG: 'hunter2' } });
    expect(reason).toBe("nix refuses to work: illegal configuration line '…' in 'NIX_CONFIG'");
  });

  test('settings that nobody can get at are none, as for Nix', async () => {
    await using flake = await makeFlake(shellFlake(''));
    await symlink('nix', `${flake.directory}/nix`);
    const env = { NIX_USER_CONF_FILES: `${flake.directory}/nix/nix.conf` };
    expect((await detect(flake.directory, { env })).available).toBe(true);
  });

  test('refuses a flake.nix that git does not track, until it does', async () => {
    await using flake = await makeFlake({ 'sub/flake.nix': shellFlake('') });
    await flake.git('init', '--quiet');
    const directory = `${flake.directory}/sub`;
    const { reason, hint } = await refused(directory);
    expect(reason).toBe(`git does not track ${directory}/flake.nix, and Nix sees only what git tracks`);
    expect(hint).toContain('git add --intent-to-add flake.nix');
    expect((await detect(directory, { options: { flake: `path:${directory}` } })).available).toBe(true);
    await flake.git('add', '--intent-to-add', 'sub/flake.nix');
    expect((await detect(directory)).available).toBe(true);
  });

  test('a flake elsewhere needs no flake.nix here', async () => {
    await using flake = await makeFlake(shellFlake(''));
    await using project = await makeFlake({ 'README.md': '' });
    expect((await detect(project.directory)).available).toBe(false);
    expect((await detect(project.directory, { options: { flake: flake.directory } })).available).toBe(true);
    expect((await detect(project.directory, { options: { flake: 'github:owner/name' } })).available).toBe(
      true,
    );
  });
});
