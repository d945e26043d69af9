import { expect, test } from 'vitest';
import { furtherArguments } from '../../src/nix/further-arguments.js';

test('none are understood', () => {
  expect(furtherArguments([])).toEqual({ references: [], impure: false, isWatchable: true });
});

test('flakes in the place of inputs are told, values of others are not taken for them', () => {
  const args = ['--option', '--override-input', 'x', '--override-input', 'nixpkgs', './mine', '-L'];
  expect(furtherArguments(args)).toEqual({ references: ['./mine'], impure: false, isWatchable: true });
});

test.each([[['--impure']], [['--option', 'pure-eval', 'false']]])(
  '%j lets the evaluation read anything',
  (args) => {
    expect(furtherArguments(args)).toMatchObject({ impure: true, isWatchable: true });
  },
);

test.each([
  [['-I', 'x=/there']],
  [['--arg', 'x', 'import ./x.nix']],
  [['--expr', '{ }']],
  [['--inputs-from', '.']],
  [['--option', 'nix-path', 'x=/there']],
  [['--refresh']],
  [['--of-a-later-release']],
])('%j can lead to what nobody watches', (args) => {
  expect(furtherArguments(args).isWatchable).toBe(false);
});
