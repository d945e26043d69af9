import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { holdLock } from '../../src/cache/slot-lock.js';

let directory: string;
let lock: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'companion-lock-'));
  lock = join(directory, 'lock');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('one holds it at a time, and everybody has a turn', async () => {
  let holders = 0;
  let most = 0;
  const turns = Array.from({ length: 20 }, async () => {
    const release = await holdLock(lock, undefined);
    most = Math.max(most, ++holders);
    await new Promise((resolve) => setImmediate(resolve));
    holders--;
    release();
  });
  await Promise.all(turns);
  expect(most).toBe(1);
  expect(readdirSync(directory)).toEqual([]);
});

test('a dead holder loses it to one of those who wait', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(lock, `${pid} ${hostname()}`);
  let holders = 0;
  let most = 0;
  const turns = Array.from({ length: 8 }, async () => {
    const release = await holdLock(lock, undefined);
    most = Math.max(most, ++holders);
    await new Promise((resolve) => setImmediate(resolve));
    holders--;
    release();
  });
  await Promise.all(turns);
  expect(most).toBe(1);
  expect(readdirSync(directory)).toEqual([]);
});

test('a holder of another machine has it until its heart stops', async () => {
  writeFileSync(lock, '1 elsewhere.invalid');
  const waiting = AbortSignal.timeout(300);
  await expect(holdLock(lock, waiting)).rejects.toMatchObject({ cause: { name: 'TimeoutError' } });
  const past = new Date(Date.now() - 60_000);
  utimesSync(lock, past, past);
  const release = await holdLock(lock, undefined);
  release();
  expect(readdirSync(directory)).toEqual([]);
});

test('who gives up waiting leaves nothing, and the lock to its holder', async () => {
  const release = await holdLock(lock, undefined);
  const reason = new Error('changed my mind');
  const giveUp = new AbortController();
  const waiting = holdLock(lock, giveUp.signal);
  giveUp.abort(reason);
  await expect(waiting).rejects.toMatchObject({ cause: reason });
  expect(readdirSync(directory)).toEqual(['lock']);
  release();
  expect(existsSync(lock)).toBe(false);
});

test('whoever has lost it does not take it from the next one', async () => {
  const releaseLost = await holdLock(lock, undefined);
  rmSync(lock);
  const release = await holdLock(lock, undefined);
  releaseLost();
  expect(existsSync(lock)).toBe(true);
  release();
  expect(existsSync(lock)).toBe(false);
});

test('a directory that is not there is an error, not a wait', async () => {
  await expect(holdLock(join(directory, 'missing', 'lock'), undefined)).rejects.toMatchObject({
    code: 'ENOENT',
  });
});
