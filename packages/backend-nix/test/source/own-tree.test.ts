// biome-ignore-all lint/suspicious/noTemplateCurlyInString: interpolations of Nix look like that
import { describe, expect, test } from 'vitest';
import { ownTreeOf } from '../../src/source/own-tree.js';

const of = (outputs: string): string => {
  const { whole, revision } = ownTreeOf(
    `{ description = "outputs = x"; inputs.a.url = "b"; outputs = ${outputs}; }`,
  );
  return revision ? 'revision' : whole ? 'whole' : 'nothing';
};

describe('what a flake sees of its own tree', () => {
  test.each([
    ['{ self }: { }', 'nothing'],
    ['{ self, a, ... }: { b = a.c; }', 'nothing'],
    ['{ a, self ? null }: { }', 'nothing'],
    ['{ self }: { a = self.packages.b; c = self.lib or { }; }', 'nothing'],
    ['{ self }: { inherit (self.lib) x; inherit (self) packages lib; }', 'nothing'],
    ['{ self, ... }@inputs: { a = inputs.b.c; inherit (inputs) d; }', 'nothing'],
    ['inputs@{ self, ... }: { a = inputs.self.lib; }', 'nothing'],
    ['inputs: { a = inputs.self.lib; }', 'nothing'],
    ['{ ... }: { overlay = self: super: { a = self.b; }; }', 'nothing'],
    ['_: { }', 'nothing'],
    ['{ self }: { a = "${self}/b"; }', 'whole'],
    ['{ self }: { a = self.outPath; }', 'whole'],
    ['inputs: { a = "${inputs.self}"; }', 'whole'],
    ['{ self }: { a = self + "/b"; }', 'revision'],
    ['{ self }: { a = import self; }', 'revision'],
    ['{ self }: { inherit self; }', 'revision'],
    ['{ self }: { inherit (self) rev; }', 'revision'],
    ['{ self }: { inherit (self) ${a}; }', 'revision'],
    ['{ self }: { a = self.rev or "b"; }', 'revision'],
    ['{ self }: { a = self.shortRev; }', 'revision'],
    ['{ self }: { a = self.sourceInfo.b; }', 'revision'],
    ['{ self }: { a = self.${b}; }', 'revision'],
    ['{ self }: { a = self."rev"; }', 'revision'],
    ['{ self }: { a = self ? rev; }', 'revision'],
    ['{ self }: { a = [ self ]; }', 'revision'],
    ['{ self }: with self; { a = rev; }', 'revision'],
    ['{ self }: let me = self; in { }', 'revision'],
    ['inputs: { a = f inputs; }', 'revision'],
    ['inputs: { a = inputs.${b}; }', 'revision'],
    ['inputs: { a = inputs."self"; }', 'revision'],
    ['inputs: { inherit (inputs) self; }', 'revision'],
    ['inputs: { inherit inputs; }', 'revision'],
    ['inputs: with inputs; { }', 'revision'],
    ['inputs: { a = builtins.attrValues inputs; }', 'revision'],
    ['inputs: { a = inputs.self; }', 'revision'],
    ['all@{ self, ... }: { a = f { inherit (all) b self; }; }', 'revision'],
    ['{ self, ... }@all: import ./x.nix all', 'revision'],
    ['import ./x.nix', 'revision'],
    ['let f = { self }: { }; in f', 'revision'],
    ['inputs:inputs', 'revision'],
  ])('%s: %s', (outputs, expected) => {
    expect(of(outputs)).toBe(expected);
  });

  test.each([
    '{ inherit (import ./x) outputs; }',
    '{ "outputs" = { self }: self; }',
    'import ./x',
    '{ a.outputs = x: 1; }',
    '',
    '{ outputs = _: { };',
  ])('everything, where there are no outputs to be understood: %s', (flake) => {
    expect(ownTreeOf(flake)).toEqual({ whole: true, revision: true });
  });
});
