import { chmod, utimes } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { findNix } from '../../src/nix/find-nix.js';
import { makeFlake } from '../engines/flakes.js';

const isWindows = process.platform === 'win32';

test.skipIf(isWindows)(
  'the first nix on PATH that can be run is taken, and never one of the current directory',
  async () => {
    await using folders = await makeFlake({ 'one/nix': 'no program', 'two/nix': '', 'three/nix': '' });
    const { directory } = folders;
    for (const name of ['two', 'three']) await chmod(`${directory}/${name}/nix`, 0o755);
    const PATH = [
      '',
      '.',
      'two',
      `${directory}/none`,
      `${directory}/one`,
      `${directory}/two`,
      `${directory}/three`,
    ].join(':');
    expect(findNix({ PATH })?.path).toBe(`${directory}/two/nix`);
  },
);

test.skipIf(isWindows)("a profile of the user's is looked at after PATH", async () => {
  await using home = await makeFlake({ '.nix-profile/bin/nix': '', '.local/state/nix/profile/bin/nix': '' });
  for (const profile of ['.nix-profile', '.local/state/nix/profile']) {
    await chmod(`${home.directory}/${profile}/bin/nix`, 0o755);
  }
  // A machine's own is found before.
  expect(findNix({ HOME: home.directory, PATH: '' })?.path).toMatch(/\/(?:\.nix-profile|default)\/bin\/nix$/);
});

test.skipIf(isWindows)('another program has another identity', async () => {
  await using folder = await makeFlake({ nix: '' });
  const file = `${folder.directory}/nix`;
  await chmod(file, 0o755);
  const env = { PATH: folder.directory };
  const before = findNix(env)?.identity;
  expect(findNix(env)?.identity).toBe(before);
  await utimes(file, 1, 1);
  expect(findNix(env)?.identity).not.toBe(before);
});

test.runIf(isWindows)('there is none on Windows', () => {
  expect(findNix({ PATH: process.env.PATH ?? '' })).toBeUndefined();
});
