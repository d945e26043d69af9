import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ConformanceCase } from '../src/case.js';
import { conformanceCases, listOf } from '../src/cases.js';

function caseOf(id: string, since = 1): ConformanceCase {
  return { id, title: 'A rule.', since, requires: {}, run: () => Promise.resolve() };
}

describe('listOf()', () => {
  test('sorts by id', () => {
    const list = listOf({
      stdin: [caseOf('stdin.b'), caseOf('stdin.a')],
      arguments: [caseOf('arguments.c')],
    });
    expect(list.map(({ id }) => id)).toEqual(['arguments.c', 'stdin.a', 'stdin.b']);
  });

  test('refuses an id that is used twice', () => {
    expect(() => listOf({ stdin: [caseOf('stdin.a'), caseOf('stdin.a')] })).toThrow(
      'two cases have the id stdin.a',
    );
  });

  test.for(['streams.a', 'stdin', 'stdin.', 'stdin.A', 'stdin.a.b', 'stdin a'])(
    'refuses %s in stdin',
    (id) => {
      expect(() => listOf({ stdin: [caseOf(id)] })).toThrow(`stdin.<rule>, got ${id}`);
    },
  );

  test('refuses a case from the future', () => {
    expect(() => listOf({ stdin: [caseOf('stdin.a', 2)] })).toThrow('stdin.a: since is 1 to 1, got 2');
  });
});

test('every file of cases is in the list', () => {
  const files = readdirSync(new URL('../src/cases', import.meta.url)).map((file) =>
    file.replace(/\.ts$/, ''),
  );
  const areas = [...new Set(conformanceCases.map(({ id }) => id.split('.')[0] ?? ''))];
  const isListed = (file: string): boolean =>
    areas.some((area) => file === area || file.startsWith(`${area}-`));
  expect(files.filter((file) => !isListed(file))).toEqual([]);
  expect(areas.filter((area) => !files.includes(area))).toEqual([]);
});

test('titles say something, once', () => {
  const titles = conformanceCases.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  expect(titles.filter((title) => !/^\S.{10,}\S$/.test(title))).toEqual([]);
});
