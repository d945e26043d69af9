import { describe, expect, test } from 'vitest';
import { type OptionTable, optionHelp, parseOptions } from '../src/option-table.js';

const TABLE = {
  backend: { value: 'NAME', help: 'which one' },
  env: { short: 'e', value: 'NAME[=VALUE]', multiple: true, help: 'a variable' },
  quiet: { short: 'q', help: 'say nothing\nat all' },
} as const satisfies OptionTable;

const parse = (...args: string[]) => parseOptions(args, TABLE);

describe('parseOptions()', () => {
  test('gives every option a value, given or not', () => {
    expect(parse().values).toEqual({ backend: undefined, env: [], quiet: false });
    expect(parse('--backend', 'nix', '-e', 'A=1', '--env=B=2', '-q').values).toEqual({
      backend: 'nix',
      env: ['A=1', 'B=2'],
      quiet: true,
    });
  });

  test('leaves alone what stands behind two dashes', () => {
    const { values, rest } = parse('-q', '--', '--backend', '--', '-x');
    expect(rest).toEqual(['--backend', '--', '-x']);
    expect(values.backend).toBeUndefined();
    expect(parse('-q').rest).toBeUndefined();
  });

  test('an empty value and one behind an equals sign are values', () => {
    expect(parse('--backend=').values.backend).toBe('');
    expect(parse('--backend', '').values.backend).toBe('');
    expect(parse('--backend=--quiet').values.backend).toBe('--quiet');
  });

  test.for([
    [['--backend'], '--backend needs a value: --backend NAME'],
    [['--backend', '--quiet'], '--backend needs a value: --backend NAME'],
    [['--backend', '--', 'x'], '--backend needs a value: --backend NAME'],
    [['-e'], '-e needs a value: -e NAME[=VALUE]'],
    [['--quiet=yes'], '--quiet takes no value, got "yes"'],
    [['--bakend', 'x'], 'unknown option --bakend'],
    [['-x'], 'unknown option -x'],
    [['--no-quiet'], 'unknown option --no-quiet'],
  ] as const)('refuses %j', ([args, message]) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ message, exitCode: 2 }));
  });

  test('says which option was meant', () => {
    expect(() => parse('--bakend', 'x')).toThrow(
      expect.objectContaining({ hint: 'Did you mean --backend?' }),
    );
  });

  test('a command that takes no arguments says so before it complains of what follows', () => {
    const unexpected = (argument: string): Error => new Error(`not ${argument}`);
    expect(() => parseOptions(['node', '--version'], TABLE, unexpected)).toThrow('not node');
  });
});

describe('optionHelp()', () => {
  test('has a line for each option, and further lines below its first', () => {
    expect(optionHelp(TABLE).split('\n')).toEqual([
      '      --backend NAME      which one',
      '  -e, --env NAME[=VALUE]  a variable',
      '  -q, --quiet             say nothing',
      '                          at all',
    ]);
  });
});
