import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { conformanceCases } from '../src/cases.js';
import { mutants, unproven } from './mutants/all.js';

const proven = new Set(mutants.flatMap(({ failedBy }) => failedBy));
const excused = unproven.flatMap(({ cases }) => cases);
const ids = conformanceCases.map(({ id }) => id);

test('every case fails a mutant or has a written reason', () => {
  expect(ids.filter((id) => !proven.has(id) && !excused.includes(id))).toEqual([]);
});

test('reasons are given once, and only where no mutant is failed', () => {
  expect(new Set(excused).size).toBe(excused.length);
  expect(excused.filter((id) => proven.has(id) || !ids.includes(id))).toEqual([]);
});

test('mutants name cases that exist, and have names of their own', () => {
  // An area stands for all of its cases.
  const areas = ids.map((id) => id.split('.')[0]);
  expect([...proven].filter((id) => !ids.includes(id) && !areas.includes(id))).toEqual([]);
  expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
});

test('every area of mutants is judged', () => {
  const areas = new Set(mutants.map(({ id }) => id.split('/')[0]));
  const judged = readdirSync(new URL('./mutants', import.meta.url)).flatMap((file) =>
    file.endsWith('.test.ts') ? [file.slice(0, -'.test.ts'.length)] : [],
  );
  expect(judged.sort()).toEqual([...areas].sort());
});
