// biome-ignore-all lint/suspicious/noTemplateCurlyInString: interpolations of Nix look like that
import { describe, expect, test } from 'vitest';
import { readsOf } from '../../src/source/reads.js';

describe('what becomes of a path', () => {
  test.each([
    ['import ./x', 'import'],
    ['builtins.import ./x', 'import'],
    ['(import ./x) y', 'import'],
    ['import ((./x)) { }', 'import'],
    ['if a then import ./x else b', 'import'],
    ['[ (import ./x) ]', 'import'],
    ['a + import ./x', 'import'],
    ['pkgs.callPackage ./x { }', 'import'],
    ['builtins.readFile ./x', 'read'],
    ['__readFile ./x', 'read'],
    ['lib.importTOML ./x', 'read'],
    ['builtins.pathExists ./x && a', 'read'],
    ['"a ${./x} b"', 'copy'],
    ['{ src = ./x; }', 'attribute'],
    ['{ a.src = (./x); }', 'attribute'],
    ['{ imports = [ ./x (f ./y) ]; }', 'attribute'],
    ['{ imports = [ inputs.a.b ./x ]; }', 'attribute'],
    ['./x', 'unknown'],
    ['f ./x', 'unknown'],
    ['f import ./x', 'unknown'],
    ['[ import ./x ]', 'unknown'],
    ['[ readFile ./x ]', 'unknown'],
    ['map import [ ./x ]', 'unknown'],
    ['a.import ./x', 'unknown'],
    ['lib.import ./x', 'unknown'],
    ['a.readFile ./x', 'unknown'],
    ['pkgs.lib.readFile ./x', 'read'],
    ['(f).readFile ./x', 'unknown'],
    ['a.b or import ./x', 'unknown'],
    ['import a ./x', 'unknown'],
    ['{ src = ./x + "/y"; }', 'unknown'],
    ['{ src = [ ./x ] ++ a; } ./y', 'attribute'],
    ['{ other = ./x; }', 'unknown'],
    ['let root = ./x; in root', 'unknown'],
    ['{ a ? ./x }: a', 'unknown'],
    ['./x + "/a"', 'unknown'],
    ['"a" + ./x', 'unknown'],
    ['toString ./x', 'unknown'],
    ['import (dirOf ./x)', 'unknown'],
    ['import (f (./x))', 'unknown'],
  ])('%s: %s', (text, use) => {
    expect(readsOf(text).literals.find((one) => one.text === './x')?.use).toBe(use);
  });

  test('a text that is added to a path in brackets belongs to it', () => {
    expect(readsOf('import (./. + "/a/b.nix") { }').literals).toEqual([
      { text: './././a/b.nix'.slice(2), use: 'import' },
    ]);
    expect(readsOf('import (./. + "/${a}")').literals).toEqual([{ text: './.', use: 'unknown' }]);
    expect(readsOf('import ./. + "/a"').literals).toEqual([{ text: './.', use: 'import' }]);
    expect(readsOf('import (./. + "/a" + b)').literals).toEqual([{ text: './.', use: 'unknown' }]);
  });
});

describe('what else is read', () => {
  test('paths with interpolations, by their beginnings', () => {
    expect(readsOf('[ ./a${b}/c ../${d} ~/${e} ]').beginnings).toEqual(['./a', '../', '~/']);
  });

  test('searches and variables, by their names', () => {
    const reads = readsOf(
      'import <nixpkgs/lib> (builtins.getEnv "A" + getEnv ("B") + "${builtins.getEnv "C"}")',
    );
    expect(reads.searches).toEqual(['nixpkgs/lib']);
    expect(reads.variables).toBeUndefined();
    expect(readsOf('builtins.getEnv "A" + "${__getEnv "C"}"').variables).toEqual(['A', 'C']);
    expect(readsOf('builtins."getEnv" "A"').variables).toEqual(['A']);
    expect(readsOf('builtins.${a} "A"').variables).toBeUndefined();
    expect(readsOf('map builtins.getEnv [ "A" ]').variables).toBeUndefined();
  });

  test.each([
    '__curPos',
    'builtins.unsafeGetAttrPos "a" b',
    'builtins.toPath a',
    'let import = f; in import ./x',
    '{ import, ... }: import ./x',
    'import: import ./x',
    'let readFile = f; in readFile ./x',
    'rec { callPackage = f; a = callPackage ./x { }; }',
    'x:./y',
    'let inherit (a) readFile; in readFile ./x',
    'let inherit (f lib) import; in 1',
    'builtins.${a} ./x',
    'builtins."${a}" ./x',
    'builtins."unsafeGetAttrPos" "a" b',
    'rec { "import" = a; }',
    '"',
  ])('a doubt: %s', (text) => {
    expect(readsOf(text).doubts).not.toEqual([]);
  });

  test.each([
    '{ a.import = 1; }',
    'with builtins; readFile ./x',
    '{ callPackage, lib }: callPackage ./x { }',
    'let inherit (builtins) readFile; in 1',
    '"__curPos" # toPath',
  ])('no doubt: %s', (text) => {
    expect(readsOf(text).doubts).toEqual([]);
  });
});
