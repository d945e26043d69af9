import { describe, expect, test } from 'vitest';
import { shellRequest } from '../src/shell-request.js';

const flake = (path: string, more: object = {}) => ({ kind: 'flake', path, ...more });

describe('a shell is asked for', () => {
  const references: readonly (readonly [
    reference: string | undefined,
    cwd: string,
    said: string,
    entry: object,
  ])[] = [
    [undefined, '/nowhere', '.', flake('/nowhere/flake.nix')],
    ['.', '/nowhere', '.', flake('/nowhere/flake.nix')],
    ['..', '/', '.', flake('/flake.nix')],
    ['./sub', '/nowhere/sub', '.', flake('/nowhere/sub/flake.nix')],
    ['/else/where', '/else/where', '.', flake('/else/where/flake.nix')],
    ['.?dir=sub', '/nowhere', '.?dir=sub', flake('/nowhere/sub/flake.nix')],
    ['path:/a%20b', '/nowhere', 'path:/a%20b', flake('/a b/flake.nix', { everyFile: true, root: '/a b' })],
    ['path:/a%', '/nowhere', 'path:/a%', flake('/a%/flake.nix', { everyFile: true, root: '/a%' })],
    [
      'path:./a?dir=b',
      '/nowhere',
      'path:./a?dir=b',
      flake('/nowhere/a/b/flake.nix', { everyFile: true, root: '/nowhere/a' }),
    ],
    ['git+file:///a?dir=b', '/nowhere', 'git+file:///a?dir=b', flake('/a/b/flake.nix')],
    ['git+file:///a?ref=main', '/nowhere', 'git+file:///a?ref=main', { kind: 'remote' }],
    ['.?rev=0123', '/nowhere', '.?rev=0123', { kind: 'remote' }],
    ['nixpkgs', '/nowhere', 'nixpkgs', { kind: 'remote' }],
    ['github:owner/name', '/nowhere', 'github:owner/name', { kind: 'remote' }],
  ];
  for (const [reference, cwd, said, entry] of references) {
    test(`by the reference ${reference}`, () => {
      const request = shellRequest('/nowhere', { flake: reference });
      expect(request).toMatchObject({ cwd, args: [said], entry, isWatchable: true });
      const ci = shellRequest('/nowhere', { flake: reference, attribute: 'ci', impure: true });
      expect(ci.args).toEqual(['--impure', `${said}#ci`]);
    });
  }

  test('by a file', () => {
    expect(shellRequest('/nowhere', { file: 'nix/shell.nix', attribute: 'ci' })).toMatchObject({
      name: '/nowhere/nix/shell.nix#ci',
      cwd: '/nowhere/nix',
      args: ['--file', './shell.nix', 'ci'],
      entry: { kind: 'file', path: '/nowhere/nix/shell.nix' },
      impure: true,
    });
  });

  test('with arguments, whose inputs are watched, or nothing is believed', () => {
    const args = ['--override-input', 'nixpkgs', 'path:/mine', '--offline'];
    expect(shellRequest('/nowhere', { args })).toMatchObject({
      args: [...args, '.'],
      references: ['path:/mine'],
      isWatchable: true,
    });
    expect(shellRequest('/nowhere', { args: ['--arg', 'x', 'import ./x.nix'] }).isWatchable).toBe(false);
  });
});
