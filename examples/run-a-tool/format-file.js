import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const prettier = join(import.meta.dirname, 'node_modules/.bin/prettier');

/**
 * What prettier makes of a file, which stays as it is: its text goes in on standard input and comes back on standard
 * output.
 *
 * @param {import('@companion/core').CompanionRunner} runner
 * @param {string} file Host path, visible inside.
 * @param {{ signal?: AbortSignal }} [options]
 */
export async function formatFile(runner, file, options = {}) {
  const before = await readFile(file, 'utf8');
  // Prettier takes the language and the configuration from the path, so it is told the one that is valid inside.
  const args = ['--stdin-filepath', runner.toCompanionPath(file)];
  const { stdout } = await runner.run(runner.toCompanionPath(prettier), args, { ...options, input: before });
  return { before, after: stdout };
}
