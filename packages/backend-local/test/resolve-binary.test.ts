import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveBinary } from '../src/resolve-binary.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'companion-resolve-'));
  for (const directory of ['first', 'second', 'first/tool-folder']) await mkdir(join(folder, directory));
  await writeFile(join(folder, 'first/blocked'), '');
  for (const program of ['first/tool', 'second/tool', 'second/blocked', 'second/tool-folder']) {
    await writeFile(join(folder, program), '#!/bin/sh\n');
    await chmod(join(folder, program), 0o755);
  }
});

afterAll(() => rm(folder, { recursive: true }));

function resolve(file: string, path: string | undefined = `${folder}/first:${folder}/second`) {
  return resolveBinary(file, { env: path === '' ? {} : { PATH: path }, cwd: folder });
}

it('takes the first program of that name on PATH', () => {
  expect(resolve('tool')).toEqual({ is: 'program', path: join(folder, 'first/tool') });
});

it('passes over files that cannot be executed, as execvp does', () => {
  expect(resolve('blocked')).toEqual({ is: 'program', path: join(folder, 'second/blocked') });
});

it('passes over directories', () => {
  expect(resolve('tool-folder')).toEqual({ is: 'program', path: join(folder, 'second/tool-folder') });
});

it('tells a file that cannot be executed from a missing one', () => {
  expect(resolve('blocked', join(folder, 'first'))).toEqual({
    is: 'not-executable',
    path: join(folder, 'first/blocked'),
  });
  expect(resolve('absent')).toEqual({ is: 'missing' });
});

it('takes a name with a slash from the working directory and never from PATH', () => {
  expect(resolve('second/tool', folder)).toEqual({ is: 'program', path: join(folder, 'second/tool') });
  expect(resolve('./tool')).toEqual({ is: 'missing' });
});

it('takes empty and relative entries of PATH from the working directory', () => {
  expect(resolve('tool', 'second')).toEqual({ is: 'program', path: join(folder, 'second/tool') });
  expect(resolveBinary('tool', { env: { PATH: ':/nowhere' }, cwd: join(folder, 'second') })).toEqual({
    is: 'program',
    path: join(folder, 'second/tool'),
  });
});

it('looks where execvp looks when PATH is unset', () => {
  expect(resolve('sh', '').is).toBe('program');
});

// Root may search every directory.
it.skipIf(process.getuid?.() === 0)('passes over directories of PATH that it may not search', async () => {
  const closed = join(folder, 'closed');
  await mkdir(closed);
  await chmod(closed, 0);
  expect(resolve('absent', closed)).toEqual({ is: 'missing' });
  expect(resolve('tool', `${closed}:${folder}/first`).is).toBe('program');
  expect(resolve(join(closed, 'tool')).is).toBe('not-executable');
  await chmod(closed, 0o755);
});
