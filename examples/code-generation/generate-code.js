import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const here = import.meta.dirname;
const buf = join(here, 'node_modules/.bin/buf');

/**
 * Runs `buf generate` inside, which asks protoc-gen-es for JavaScript and its types; resolves with the files it wrote.
 *
 * @param {import('@companion/core').CompanionRunner} runner
 * @param {{ directory?: string, signal?: AbortSignal }} [options] `directory`: host directory, visible inside; its
 * folder `gen` is replaced. Default: this package's.
 * @returns {Promise<string[]>} Host paths.
 */
export async function generateCode(runner, { directory = here, ...options } = {}) {
  await runner
    .newProcess(
      runner.toCompanionPath(buf),
      'generate',
      '--clean',
      '--output',
      runner.toCompanionPath(directory),
    )
    // Where buf.yaml and buf.gen.yaml are; what these name is relative to it.
    .withDir({ hostPath: here })
    .run(options);
  const entries = await readdir(join(directory, 'gen'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
