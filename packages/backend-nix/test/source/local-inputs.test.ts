import { homedir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { localInputs, localSource } from '../../src/source/local-inputs.js';

const lock = (nodes: Record<string, unknown>): string => JSON.stringify({ version: 7, root: 'root', nodes });
const flake = (inputs: string): string => `{ ${inputs} outputs = { self }: { path = "/no"; }; }`;

describe('sources on this machine', () => {
  test.each([
    ['path:/a%20b/%', { kind: 'files', path: '/a%20b/%' }],
    ['path:/a%20b', { kind: 'files', path: '/a b' }],
    ['path:/a/b', { kind: 'files', path: '/a/b' }],
    ['path:./b?dir=x', { kind: 'files', path: '/flake/b' }],
    ['path:../b#c', { kind: 'files', path: '/b' }],
    ['git+file:///a/b?ref=main', { kind: 'git', path: '/a/b' }],
    ['git+file:/a', { kind: 'git', path: '/a' }],
    ['git+file:.', { kind: 'git', path: '/flake' }],
    ['tarball+file:///a.tar.gz', { kind: 'files', path: '/a.tar.gz' }],
    ['file:///a.tar.gz', { kind: 'files', path: '/a.tar.gz' }],
    ['/a/b', { kind: 'either', path: '/a/b' }],
    ['./b', { kind: 'either', path: '/flake/b' }],
    ['..', { kind: 'either', path: '/' }],
    ['~/b', { kind: 'either', path: `${homedir()}/b` }],
    ['github:a/b', undefined],
    ['nixpkgs', undefined],
    ['nixpkgs/nixos-24.05', undefined],
    ['https://x.org/a.tar.gz', undefined],
    ['git+https://x.org/a', undefined],
    ['git+ssh://x.org/a', undefined],
  ])('%s', (reference, expected) => {
    expect(localSource(reference, '/flake')).toEqual(expected);
  });

  test('a lock file names them, except where a commit fixes them', () => {
    const text = lock({
      root: { inputs: { a: 'a', b: 'b', c: 'c', d: 'd' } },
      a: { locked: { type: 'path', path: './a', narHash: 'x' }, original: { type: 'path', path: './a' } },
      b: {
        locked: { type: 'git', url: 'file:///b', rev: 'abc' },
        original: { type: 'git', url: 'file:///b' },
      },
      c: { locked: { type: 'github', owner: 'x', rev: 'abc' } },
      d: { locked: { type: 'path', path: '../d' }, parent: ['a'] },
    });
    const { sources, handsOnItself } = localInputs(text, flake('inputs.b.url = "git+file:///b";'), '/flake');
    expect(sources).toEqual([
      { kind: 'files', path: '/flake/a' },
      { kind: 'files', path: '/flake/d' },
    ]);
    expect(handsOnItself).toBe(false);
  });

  test('flake.nix names them, too: without a lock they are looked at every time', () => {
    const { sources } = localInputs(
      undefined,
      flake(
        'inputs = { a.url = "path:../a"; b = { type = "path"; path = "./b"; }; c.url = git+file:///c; };',
      ),
      '/flake',
    );
    expect(sources).toEqual([
      { kind: 'files', path: '/a' },
      { kind: 'either', path: '/flake/b' },
      { kind: 'git', path: '/c' },
      { kind: 'either', path: '/no' },
    ]);
    expect(localInputs('{', flake(''), '/flake').sources).toEqual([]);
  });

  test('an input that follows the flake itself is known', () => {
    const text = lock({
      root: { inputs: { a: 'a' } },
      a: { inputs: { b: [] }, locked: { type: 'github', rev: 'x' } },
    });
    expect(localInputs(text, flake(''), '/flake').handsOnItself).toBe(true);
  });
});
