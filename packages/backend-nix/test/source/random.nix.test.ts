// biome-ignore-all lint/suspicious/noTemplateCurlyInString: interpolations of Nix look like that
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Source } from '../../src/source/watch.js';
import { record, unchanged } from '../../src/source/watch.js';
import { makeFlake, shellFlake } from '../engines/flakes.js';
import { onNix } from '../engines/on-nix.js';
import { derivation } from './derivation.js';

// Expressions only name files later in this list, so that none goes in circles.
const NIX = ['a.nix', 'dir/b.nix', 'dir/default.nix', 'dir/deep/c.nix', 'd.nix'] as const;
const TEXTS = ['t', 'dir/u', 'dir/deep/v', 'src/w'];
const DIRECTORIES = ['src', 'dir/deep'];

/** An expression in the file at `from` whose value becomes a text by `builtins.toJSON`. */
function expressionIn(from: string): fc.Arbitrary<string> {
  const later = NIX.slice(NIX.indexOf(from as (typeof NIX)[number]) + 1);
  const to = (path: string): string => {
    const relative = posix.relative(posix.dirname(from), path);
    return relative.startsWith('.') ? relative : `./${relative}`;
  };
  const nix = fc
    .constantFrom(...(later.length > 0 ? later : ['']))
    .map((path) => (path === '' ? '"end"' : `import ${to(path)}`));
  const at = (list: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...list).map(to);
  const self =
    from === 'flake.nix'
      ? ['"${self}"', 'self.parts', 'self.narHash', '(self.rev or "none")', '(self // { }).parts']
      : [];
  return fc.letrec<{ all: string }>((tie) => ({
    all: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      nix,
      at(TEXTS).map((path) => `builtins.readFile ${path}`),
      fc.constantFrom('"text"', '1', '"./t # ${"x"} /*"', "''./t ''${x} ''", 'null', ...self),
      at([...TEXTS, ...DIRECTORIES]).map((path) => `"\${${path}}"`),
      at([...TEXTS, 'absent', 'dir/absent']).map((path) => `builtins.pathExists ${path}`),
      at(DIRECTORIES).map((path) => `builtins.readDir ${path}`),
      at([...TEXTS, ...DIRECTORIES]).map((path) => `toString ${path}`),
      at([...TEXTS, ...DIRECTORIES]).map((path) => `{ src = ${path}; }`),
      at(DIRECTORIES).map((path) => `(x: x.src) { src = ${path}; }`),
      at([...TEXTS, ...DIRECTORIES]).map((path) => `baseNameOf ${path}`),
      at(['dir']).map((path) => `builtins.readFile (${path} + "/u")`),
      at(['dir']).map((path) => `builtins.readFile (${path} + "/../t")`),
      at(['dir']).map((path) => `(let name = "u"; in builtins.readFile ${path}/\${name})`),
      at(['dir']).map((path) => `map (x: builtins.readFile (x + "/deep/v")) [ ${path} ]`),
      at(DIRECTORIES).map((path) => `builtins.path { path = ${path}; name = "n"; }`),
      tie('all').map((inner) => `[ (${inner}) ]`),
      tie('all').map((inner) => `{ a = ${inner}; } /* ./t */`),
      tie('all').map((inner) => `(let x = ${inner}; in x)`),
      tie('all').map((inner) => `"\${builtins.toJSON (${inner})}"`),
      fc.tuple(tie('all'), tie('all')).map(([one, other]) => `if true then (${one}) else (${other})`),
      fc.tuple(tie('all'), tie('all')).map(([one, other]) => `{ a = ${one}; } // { b = ${other}; }`),
    ),
  })).all;
}

const files = fc
  .record({
    flake: expressionIn('flake.nix'),
    nix: fc.tuple(...NIX.map(expressionIn)),
  })
  .map(
    ({ flake, nix }): Record<string, string> => ({
      'flake.nix': shellFlake(`A = builtins.toJSON (${flake});`).replace(
        '{ self }: {',
        '{ self }: { parts = "p";',
      ),
      ...Object.fromEntries(NIX.map((path, index) => [path, nix[index] ?? ''])),
      ...Object.fromEntries(TEXTS.map((path) => [path, path])),
    }),
  );

onNix('flakes made up at random', (nix) => {
  test.each([false, true])('change where the watch says so (git: %s)', { timeout: 300_000 }, async (git) => {
    const counts = { flakes: 0, changed: 0, kept: 0, wide: 0 };
    await fc.assert(
      fc.asyncProperty(files, async (all) => {
        await using tree = await makeFlake(all, { git });
        const file = join(tree.directory, 'flake.nix');
        const source: Source = {
          kind: 'flake',
          directory: tree.directory,
          file,
          impure: false,
          env: nix().env,
        };
        const watch = await record(source);
        const before = await derivation(source);
        if (before === 'fails') return;
        counts.flakes += 1;
        for (const path of [...NIX, ...TEXTS]) {
          const at = join(tree.directory, path);
          const content = await readFile(at, 'utf8');
          await (path.endsWith('.nix') ? rm(at) : writeFile(at, 'edited'));
          const after = await derivation(source);
          const same = await unchanged(watch, source);
          expect(after !== before && same, `${path} of ${JSON.stringify(all)}`).toBe(false);
          counts[after !== before ? 'changed' : same ? 'kept' : 'wide'] += 1;
          await writeFile(at, content);
        }
      }),
      { numRuns: Number(process.env.RANDOM_FLAKES ?? 20), endOnFailure: true },
    );
    if (process.env.FIGURES) console.info(`FIGURE random, git ${git}: ${JSON.stringify(counts)}`);
    expect(counts.flakes).toBeGreaterThan(5);
    expect(counts.changed).toBeGreaterThan(0);
  });
});
