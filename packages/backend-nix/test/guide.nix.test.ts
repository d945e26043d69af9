// The examples of docs/nix.md: each region stands there word for word (scripts/check-docs.mjs).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startCompanion } from '@companion/core';
import { beforeAll, expect, test } from 'vitest';
import { nixBackend } from '../src/backend.js';
import type { NixOptions } from '../src/options.js';
import { makeFlake, shellFlake } from './engines/flakes.js';
import { onNix } from './engines/on-nix.js';
import { useNix } from './open-companions.js';

onNix('docs/nix.md', (nix) => {
  let cacheDirectory: NixOptions['cacheDirectory'];
  beforeAll(() => {
    ({ cacheDirectory } = useNix(nix()));
  });

  test('a companion in one of the shells of a flake elsewhere', async () => {
    await using flake = await makeFlake({
      'tools/flake.nix': shellFlake({ ci: 'shellHook = "echo preparing; export STAGE=ci";' }),
    });
    const sourceDir = join(flake.directory, 'project');
    await mkdir(sourceDir);
    const [backends, said] = [[nixBackend], [] as string[]];
    // #region options
    const runner = await startCompanion({
      sourceDir,
      backends, // or those that you have imported
      backendOptions: {
        nix: {
          flake: '../tools', // default: sourceDir
          attribute: 'ci', // default: Nix's own choice
          whenEvaluationFails: 'last-good',
          evaluationTimeoutMs: 120_000,
          cacheDirectory,
        },
      },
      onEvent: (event) => {
        if (event.topic === 'environment' && event.type === 'busy') said.push(event.message);
      },
    });
    // #endregion
    const { stdout } = await runner.run('sh', ['-c', 'echo $STAGE']);
    await runner.shutdown();
    expect(stdout).toBe('ci\n');
    expect(said[0]).toMatch(/^evaluating the dev shell of .*\/tools#ci$/);
    expect(said.at(-1)).toBe('shellHook: preparing');
  });
});
