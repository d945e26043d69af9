import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tokensOf } from '../../src/source/tokens.js';
import { makeFlake } from '../engines/flakes.js';
import { onNix } from '../engines/on-nix.js';
import { expression } from './expressions.js';

onNix('expressions that the tests make up', (nix) => {
  test('are split by Nix as they are by the scanner', async () => {
    const all = fc.sample(expression, 400).map(({ text, paths }) => ({ text: `x: y: y': (${text})`, paths }));
    // One file each would take a minute.
    const whole = `[ ${all.map(({ text }, at) => `{ n${at} = ${text}; }`).join('\n')} ]`;
    await using tree = await makeFlake({ 'all.nix': whole });
    const { stdout } = await promisify(execFile)(
      'nix-instantiate',
      ['--parse', join(tree.directory, 'all.nix')],
      {
        env: nix().env,
        maxBuffer: 2 ** 28,
      },
    );
    const counts = (text: string): Record<string, number> => {
      const found: Record<string, number> = {};
      for (const one of tokensOf(text).tokens) {
        const last = one.text.split('/').at(-1) ?? '';
        if (one.kind === 'path' && last.startsWith('q')) found[last] = (found[last] ?? 0) + 1;
      }
      return found;
    };
    expect(counts(stdout)).toEqual(counts(whole));
    expect(all.flatMap(({ paths }) => paths).length).toBeGreaterThan(100);
    expect(counts(stdout).no).toBeUndefined();
  });
});
