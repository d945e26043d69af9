// The conformance kit's cases and the mutants that prove them, as they stand in its sources: nothing has to be built.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { root } from './check-report.mjs';

/** `{ conformanceCases, mutants, unproven }` */
export async function loadKit() {
  const bundle = await rolldown({
    cwd: root,
    input: {
      cases: 'packages/testkit/src/cases.ts',
      mutants: 'packages/testkit/test/mutants/all.ts',
    },
    platform: 'node',
    resolve: {
      alias: {
        '@companion/core/backend': join(root, 'packages/core/src/backend.ts'),
        '@companion/core': join(root, 'packages/core/src/index.ts'),
      },
      extensionAlias: { '.js': ['.ts', '.js'] },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'companion-kit-'));
  try {
    await bundle.write({
      dir: folder,
      format: 'esm',
      entryFileNames: '[name].mjs',
      chunkFileNames: '[name].mjs',
    });
    const load = (name) => import(pathToFileURL(join(folder, `${name}.mjs`)).href);
    return { ...(await load('cases')), ...(await load('mutants')) };
  } finally {
    await bundle.close();
    await rm(folder, { recursive: true, force: true });
  }
}
