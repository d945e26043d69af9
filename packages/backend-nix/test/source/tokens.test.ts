// biome-ignore-all lint/suspicious/noTemplateCurlyInString: interpolations of Nix look like that
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readsOf } from '../../src/source/reads.js';
import { tokensOf } from '../../src/source/tokens.js';
import { expression } from './expressions.js';

const kinds = (text: string): string[] =>
  tokensOf(text).tokens.map(({ kind, text: value }) => `${kind} ${value}`);

describe('tokens of Nix', () => {
  test.each([
    ['a / b', ['word a', 'symbol /', 'word b']],
    ['a/b', ['path a/b']],
    ['a /b', ['word a', 'path /b']],
    ['a/ b', ['word a', 'symbol /', 'word b']],
    ['(a)/b', ['symbol (', 'word a', 'symbol )', 'path /b']],
    ['6/2', ['path 6/2']],
    ['a//b', ['word a', 'symbol //', 'word b']],
    ['a // ./b', ['word a', 'symbol //', 'path ./b']],
    ['./.', ['path ./.']],
    ['../..', ['path ../..']],
    ['~/x.nix', ['path ~/x.nix']],
    ['/a+b/c-d_e.f', ['path /a+b/c-d_e.f']],
    ['./a.nix;', ['path ./a.nix', 'symbol ;']],
    ['<nixpkgs/lib>', ['search <nixpkgs/lib>']],
    ['a < b', ['word a', 'symbol <', 'word b']],
    ['https://x.org/a?b=c', ['uri https://x.org/a?b=c']],
    ['x:x', ['uri x:x']],
    ['x: x', ['word x', 'symbol :', 'word x']],
    ["foldl' f", ["word foldl'", 'word f']],
    ['{...}:', ['symbol {', 'symbol ...', 'symbol }', 'symbol :']],
    ['1.5 .5 a.b', ['number 1.5', 'number .5', 'word a', 'symbol .', 'word b']],
    ['./* ./x */ y', ['symbol .', 'word y']],
  ])('%s', (text, expected) => {
    expect(kinds(text)).toEqual(expected);
  });

  test('comments hide everything up to their end', () => {
    expect(kinds('# ./a " \'\'\n/* ./b \n " */ ./c /**/ ./d')).toEqual(['path ./c', 'path ./d']);
  });

  test('texts have their escapes taken out', () => {
    expect(kinds('"a\\"b\\n\\${x}$${y}$"')).toEqual(['string a"b\n${x}$${y}$']);
    expect(kinds("''a ''${x} ''' $${y} ''\\n \" ''")).toEqual(["string a ${x} '' $${y} \n \" "]);
  });

  test('interpolations are code again, in texts, indented texts and paths', () => {
    const text = '"a${ "b${./c}" + { x = 1; }.x }d" ./e/${f}-g/${./h}.nix \'\'i${./j}\'\'';
    expect(kinds(text).filter((one) => /^(?:path|string|rest|end)/.test(one))).toEqual([
      ...['string a', 'string b', 'path ./c', 'rest ', 'end ', 'rest d', 'end '],
      ...['path ./e/', 'rest -g/', 'path ./h', 'rest .nix', 'end '],
      ...['string i', 'path ./j', 'rest ', 'end '],
    ]);
  });

  test.each(['"', "''", '"${', '"${"', '{', '}', '${', './${', './a/', './a/* b */', 'x }', "''${a} ''$"])(
    'what is not whole is known: %s',
    (text) => {
      expect(tokensOf(text).broken).toBe(true);
    },
  );

  test('nesting without end is not whole, and nothing breaks', () => {
    expect(tokensOf('"${'.repeat(50_000)).broken).toBe(true);
    expect(tokensOf('{'.repeat(50_000)).broken).toBe(true);
  });

  test('every path of an expression is found, and none in comments and texts', () => {
    fc.assert(
      fc.property(expression, ({ text, paths }) => {
        const { tokens, broken } = tokensOf(text);
        expect(broken).toBe(false);
        expect(
          tokens.filter((one) => one.kind === 'path' && !one.interpolated).map((one) => one.text),
        ).toEqual(paths);
      }),
      { numRuns: 2000 },
    );
  });

  test('no text at all breaks the scanner', () => {
    const pieces = fc.constantFrom(
      '"',
      "''",
      '${',
      '}',
      '{',
      '\\',
      '$',
      '/',
      './a',
      '#',
      '/*',
      '*/',
      '\n',
      "'",
      'x',
      '<',
      '>',
      ':',
      '.',
      '~',
      'é',
      '𝒳',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 3 })), { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        expect(readsOf(text).literals.length).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 3000 },
    );
  });
});
