import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { searched, settingsFiles, variableNames, watchedVariables } from '../../src/source/surroundings.js';
import { makeFlake } from '../engines/flakes.js';

describe('variables', () => {
  const digest = (
    names: readonly string[] | undefined,
    impure: boolean,
    env: Record<string, string>,
  ): string => watchedVariables(variableNames(impure, names), env).digest;

  test('of a pure evaluation are those that Nix heeds', () => {
    const before = digest(['A'], false, {});
    expect(
      digest(['A'], false, { A: '1', NIXPKGS_CONFIG: '1', NIX_PATH: '1', NIX_CFLAGS_COMPILE: '1' }),
    ).toBe(before);
    for (const name of ['NIX_CONFIG', 'NIX_STORE_DIR', 'NIX_REMOTE', 'HOME', 'XDG_CONFIG_HOME']) {
      expect(digest(['A'], false, { [name]: '1' }), name).not.toBe(before);
    }
  });

  test('of one that is not pure are also those of nixpkgs, and what is asked for', () => {
    const before = digest(['A'], true, {});
    expect(digest(['A'], true, { B: '1' })).toBe(before);
    for (const name of ['A', 'NIXPKGS_ALLOW_UNFREE', 'NIX_PATH', 'IN_NIX_SHELL']) {
      expect(digest(['A'], true, { [name]: '1' }), name).not.toBe(before);
    }
    expect(digest(undefined, true, { B: '1' })).not.toBe(digest(undefined, true, {}));
  });

  test('do not run into each other', () => {
    expect(digest(undefined, true, { A: '1', B: '2' })).not.toBe(digest(undefined, true, { A: '1\nB=2' }));
  });
});

test('settings are where Nix looks for them, and what they include', async () => {
  await using tree = await makeFlake({
    'conf/nix.conf': 'cores = 1\ninclude ./one.conf\n  !include /two.conf\n# include three.conf\n',
    'conf/one.conf': '!include nix.conf\n!include four.conf',
  });
  const at = (path: string): string => join(tree.directory, path);
  const files = settingsFiles({
    HOME: '/h',
    NIX_CONF_DIR: at('conf'),
    XDG_CONFIG_DIRS: '/x:/y',
    NIX_CONFIG: 'include /five.conf',
  });
  expect([...files].sort()).toEqual(
    [
      ...[
        at('conf/nix.conf'),
        at('conf/one.conf'),
        at('conf/four.conf'),
        at('conf/registry.json'),
        '/two.conf',
        '/five.conf',
      ],
      '/h/.local/share/nix/trusted-settings.json',
      ...['/h/.config/nix/nix.conf', '/h/.config/nix/registry.json', '/x/nix/nix.conf', '/y/nix/nix.conf'],
    ].sort(),
  );
  expect(settingsFiles({ HOME: '/h', NIX_USER_CONF_FILES: '/a:/b' })).toEqual(
    expect.arrayContaining(['/etc/nix/nix.conf', '/a', '/b']),
  );
});

describe('searches', () => {
  const env = {
    HOME: '/h',
    NIX_PATH: 'nixpkgs=/pkgs:other=https://x.org/a.tar.gz:/all:lib/sub=/deep:channel:channel=~/c',
  };

  test.each([
    ['nixpkgs', ['/pkgs', '/all/nixpkgs']],
    ['nixpkgs/lib', ['/pkgs', '/all/nixpkgs']],
    ['nixpkgs2', ['/all/nixpkgs2']],
    ['other', ['/all/other']],
    ['lib/sub/x', ['/all/lib', '/deep']],
    ['lib', ['/all/lib']],
    ['channel', ['/all/channel', '/h/c']],
    [undefined, ['/pkgs', '/deep', '/h/c']],
  ])('%s', (name, expected) => {
    expect(searched(name, env)).toEqual(expected);
  });

  test('without NIX_PATH go to the channels', () => {
    expect(searched('nixpkgs', { HOME: '/h' })).toEqual([
      '/h/.nix-defexpr/channels/nixpkgs',
      '/h/.local/state/nix/defexpr/channels/nixpkgs',
      '/nix/var/nix/profiles/per-user/root/channels/nixpkgs',
      '/nix/var/nix/profiles/per-user/root/channels/nixpkgs',
    ]);
  });
});
