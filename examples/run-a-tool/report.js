import { join, relative } from 'node:path';
import { changedLines } from './changed-lines.js';
import { formatFile } from './format-file.js';

const root = join(import.meta.dirname, '../..');

/**
 * Formats a file; resolves with pairs of label and text to print.
 *
 * @param {import('@companion/core').CompanionRunner} runner
 * @param {{ file?: string, signal?: AbortSignal }} [options] `file`: host path, visible inside. Default: `untidy.yaml`.
 * @returns {Promise<string[][]>}
 */
export async function report(runner, { file = join(import.meta.dirname, 'untidy.yaml'), ...options } = {}) {
  const { before, after } = await formatFile(runner, file, options);
  const changes = changedLines(before, after);
  return [
    ['file', relative(root, file)],
    ...(changes.length === 0 ? ['nothing'] : changes).map((line, index) => [
      index === 0 ? 'changes' : '',
      line,
    ]),
  ];
}
