import { describe, expect, test } from 'vitest';
import { DockerIgnore } from '../../src/image/dockerignore.js';

function kept(rules: readonly string[], paths: readonly string[]): readonly string[] {
  const ignore = new DockerIgnore(rules.join('\n'));
  return paths.filter((path) => !ignore.ignores(path));
}

describe('rules', () => {
  test('a name is of the context itself, and takes what is below it', () => {
    expect(kept(['b'], ['a', 'b', 'b/c', 'a/b'])).toEqual(['a', 'a/b']);
  });

  test('stars stay inside one name, two of them go through folders', () => {
    expect(kept(['*.md'], ['a.md', 'x/a.md'])).toEqual(['x/a.md']);
    expect(kept(['**/*.md'], ['a.md', 'x/a.md', 'x/y/a.md', 'x/a.mdx'])).toEqual(['x/a.mdx']);
    expect(kept(['a/**'], ['a', 'a/b', 'a/b/c'])).toEqual(['a']);
    expect(kept(['a/**/z'], ['a/z', 'a/b/c/z', 'b/z'])).toEqual(['b/z']);
    expect(kept(['fil?'], ['file', 'files'])).toEqual(['files']);
    expect(kept(['[ab].c'], ['a.c', 'b.c', 'c.c'])).toEqual(['c.c']);
    expect(kept(['[^ab].c'], ['a.c', 'c.c'])).toEqual(['a.c']);
  });

  test('the last rule that matches decides', () => {
    expect(kept(['*', '!src'], ['a', 'src', 'src/b'])).toEqual(['src', 'src/b']);
    expect(kept(['*.md', '!README.md', 'README*'], ['README.md', 'x'])).toEqual(['x']);
    expect(kept(['dist', '!dist/keep'], ['dist/a', 'dist/keep', 'dist/keep/b'])).toEqual([
      'dist/keep',
      'dist/keep/b',
    ]);
  });

  test('comments, blank lines, slashes at the ends and steps back are read as docker reads them', () => {
    expect(kept(['# b', '', '  /b/  ', './c', 'x/../d'], ['b', 'c', 'd', '# b'])).toEqual(['# b']);
    expect(kept(['.'], ['a'])).toEqual(['a']);
    expect(kept(['! a', 'b'], ['a', 'b'])).toEqual(['a']);
  });

  test('what regular expressions mean by their signs is not meant', () => {
    expect(kept(['a+b', '(x)', 'c.d', '$e', '{f}'], ['a+b', 'aab', '(x)', 'x', 'cxd', '$e', '{f}'])).toEqual([
      'aab',
      'x',
      'cxd',
    ]);
    expect(kept(['\\*'], ['*', 'a'])).toEqual(['a']);
  });

  test('what is always sent is sent', () => {
    const ignore = new DockerIgnore('*', ['docker/Dockerfile.a+b']);
    expect(ignore.ignores('docker/Dockerfile.a+b')).toBe(false);
    expect(ignore.ignores('docker/Dockerfile.aab')).toBe(true);
    expect(ignore.mayKeepBelow('docker')).toBe(true);
  });
});

test('an ignored folder is gone into only where an exception may be below', () => {
  const ignore = new DockerIgnore('*\n!a/b/c\n!x/*/y');
  expect(['a', 'a/b', 'x', 'x/1', 'b', 'a/c'].filter((folder) => ignore.mayKeepBelow(folder))).toEqual([
    'a',
    'a/b',
    'x',
    'x/1',
  ]);
  expect(new DockerIgnore('node_modules\n!**/*.md').mayKeepBelow('node_modules/a')).toBe(true);
  expect(new DockerIgnore('node_modules').mayKeepBelow('node_modules')).toBe(false);
});
