import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Source } from '../../src/source/watch.js';
import { SYSTEM } from '../engines/flakes.js';

/** What the evaluation comes to: the derivation, or that it `fails`. */
export async function derivation(source: Source): Promise<string> {
  const what =
    source.kind === 'flake'
      ? [`${source.directory}#devShells.${SYSTEM}.default.drvPath`]
      : ['--impure', '--file', source.file, 'drvPath'];
  const args = ['eval', '--raw', '--no-write-lock-file', ...(source.impure ? ['--impure'] : []), ...what];
  return await promisify(execFile)('nix', args, { env: source.env }).then(
    ({ stdout }) => stdout,
    () => 'fails',
  );
}
