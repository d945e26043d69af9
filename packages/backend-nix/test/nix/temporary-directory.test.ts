import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inTemporaryDirectory, temporaryPath } from '../../src/nix/temporary-directory.js';

let TMPDIR: string;

beforeEach(async () => {
  TMPDIR = await mkdtemp(join(tmpdir(), 'companion-temporary-'));
});
afterEach(() => rm(TMPDIR, { recursive: true }));

test('it is there for as long as the work takes', async () => {
  const made = await inTemporaryDirectory({ TMPDIR }, async (directory) => {
    await writeFile(join(directory, 'file'), '');
    return await readdir(TMPDIR);
  });
  expect(made).toEqual([expect.stringMatching(/^companion-nix-/)]);
  expect(await readdir(TMPDIR)).toEqual([]);
});

test('it goes with what nobody may write, and when the work fails', async () => {
  const failing = inTemporaryDirectory({ TMPDIR }, async (directory) => {
    await mkdir(join(directory, 'build/inner'), { recursive: true });
    await writeFile(join(directory, 'build/inner/file'), '');
    await chmod(join(directory, 'build/inner'), 0o500);
    await chmod(join(directory, 'build'), 0o500);
    throw new Error('enough');
  });
  await expect(failing).rejects.toThrow('enough');
  expect(await readdir(TMPDIR)).toEqual([]);
});

test('what a process has left that was killed goes after an hour, and nothing else', async () => {
  const child = execFile(process.execPath, ['--version']);
  await once(child, 'exit');
  const long = new Date(Date.now() - 2 * 3600 * 1000);
  const kept = [
    `companion-nix-${child.pid}-fresh1`,
    `companion-nix-${process.pid}-mine12`,
    `companion-nix-${child.pid}-other-name`,
    'companion-nix-abcdef',
  ];
  const other = basename(temporaryPath()).replace(String(process.pid), String(child.pid));
  for (const name of [...kept, `companion-nix-${child.pid}-stale1`, other]) {
    await mkdir(join(TMPDIR, name));
    if (!name.endsWith('-fresh1')) await utimes(join(TMPDIR, name), long, long);
  }
  await inTemporaryDirectory({ TMPDIR }, async () => {});
  expect((await readdir(TMPDIR)).sort()).toEqual(kept.sort());
});
