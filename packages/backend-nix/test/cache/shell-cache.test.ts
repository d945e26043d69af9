import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { removeUnused } from '../../src/cache/shell-cache.js';

const DAY_MS = 24 * 3600 * 1000;

/** A cache with one slot, in which shells were used so many days ago. */
async function cacheOf(shells: Readonly<Record<string, number>>) {
  const cache = await mkdtemp(join(tmpdir(), 'companion-cache-'));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  const slot = join(cache, 'slot');
  await mkdir(slot);
  for (const [id, days] of Object.entries(shells)) {
    const at = new Date(Date.now() - days * DAY_MS);
    await symlink('/', join(slot, `${id}-profile`));
    await writeFile(join(slot, `${id}.json`), '');
    await utimes(join(slot, `${id}.json`), at, at);
  }
  return { cache, slot };
}

test('what nobody has used for a month goes, with its root', async () => {
  const { cache, slot } = await cacheOf({ new: 29, old: 31 });
  removeUnused(cache);
  expect((await readdir(slot)).sort()).toEqual(['new-profile', 'new.json']);
});

test('of many shells of one request those of more than a day ago go first', async () => {
  const days = (count: number, name: string, age: number): [string, number][] =>
    Array.from({ length: count }, (_, index) => [`${name}${index}`, age + index / 1000]);
  const { cache, slot } = await cacheOf(
    Object.fromEntries([...days(25, 'today', 0.5), ...days(3, 'before', 2)]),
  );
  removeUnused(cache);
  const left = (await readdir(slot)).filter((name) => name.endsWith('.json'));
  expect(left).toHaveLength(25);
  expect(left.filter((name) => name.startsWith('before'))).toEqual([]);

  const few = await cacheOf(Object.fromEntries(days(20, 'before', 2)));
  removeUnused(few.cache);
  expect(await readdir(few.slot)).toHaveLength(40);
});

test('what somebody who was killed has left goes after a day, and what is under way stays', async () => {
  const { cache, slot } = await cacheOf({ used: 1 });
  const past = new Date(Date.now() - 2 * DAY_MS);
  for (const name of ['killed-1a2b', 'lock-1a2b', 'lock']) {
    await writeFile(join(slot, name), '');
    await utimes(join(slot, name), past, past);
  }
  await symlink('/', join(slot, 'underway-profile'));
  await writeFile(join(slot, 'lock-3c4d'), '');
  removeUnused(cache);
  expect((await readdir(slot)).sort()).toEqual([
    'lock',
    'lock-3c4d',
    'underway-profile',
    'used-profile',
    'used.json',
  ]);
});
