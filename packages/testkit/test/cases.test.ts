import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ConformanceCase } from '../src/case.js';
import { conformanceCases, listOf, sourceOf } from '../src/cases.js';

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
      expect(() => listOf({ stdin: [caseOf(id)] })).toThrow(
        `a case in stdin is <area>.<rule>, with the area that the file is called by, got ${id}`,
      );
    },
  );

  test('refuses a case from the future', () => {
    expect(() => listOf({ stdin: [caseOf('stdin.a', 2)] })).toThrow('stdin.a: since is 1 to 1, got 2');
  });
});

test('every file of cases is in the list, and every case is told to be in its own', () => {
  const directory = new URL('../src/cases/', import.meta.url);
  const written = readdirSync(directory).flatMap((file) =>
    [...readFileSync(new URL(file, directory), 'utf8').matchAll(/^ {4}id: '(.+)',$/gm)].map(
      ([, id]) => [id, `src/cases/${file}`] as const,
    ),
  );
  const told = conformanceCases.map(({ id }) => [id, sourceOf(id)] as const);
  expect(told).toEqual(written.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
  expect(sourceOf('suite.leaves-nothing')).toBe('src/suite.ts');
});

test('titles say something, once', () => {
  const titles = conformanceCases.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  expect(titles.filter((title) => !/^\S.{10,}\S$/.test(title))).toEqual([]);
});

describe('the sources of the kit', () => {
  const src = new URL('../src/', import.meta.url);
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file, text: readFileSync(new URL(file, src), 'utf8') }));

  test('have no case that demands nothing', () => {
    // From one id to the next, and no further than the end of the list.
    const cases = files.flatMap(({ text }) =>
      text
        .split(/^ {4}(?=id: ')/m)
        .slice(1)
        .map((part) => part.split(/^\];$/m)[0] ?? ''),
    );
    const idOf = (text: string): string => /^id: '(.*)'/.exec(text)?.[1] ?? '';
    expect(cases.map(idOf).sort()).toEqual(conformanceCases.map(({ id }) => id));
    const demands = /\bassert\w*[.(]|\.(?:assert\w+|waitForBeats)\(|\b(?:rejects|throws)With\(/;
    expect(cases.filter((text) => !demands.test(text)).map(idOf)).toEqual([]);
  });

  test('never ask which backend it is', () => {
    const asks =
      /\b(?:backend|backend\.name|backendName)\s*[!=]={1,2}(?!=| undefined)|switch \(.*backend|['"`](?:local|docker|podman|nix|bubblewrap)['"`]/i;
    expect(files.filter(({ text }) => asks.test(text)).map(({ file }) => file)).toEqual([]);
  });
});
