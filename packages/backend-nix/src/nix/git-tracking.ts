import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Abortable } from '@companion/core/backend';

/**
 * Whether Nix sees a file: outside of a git repository always, in one only if git tracks it. Also true where git cannot
 * tell: then Nix will.
 */
export async function isTracked(
  path: string,
  env: Readonly<Record<string, string>>,
  { signal }: Abortable,
): Promise<boolean> {
  const directory = dirname(path);
  if (!isInRepository(directory)) return true;
  const options = { cwd: directory, env, ...(signal === undefined ? {} : { signal }) };
  return await new Promise((resolve, reject) => {
    execFile('git', ['ls-files', '--error-unmatch', '--', basename(path)], options, (error) => {
      if (signal?.aborted) reject(signal.reason);
      else resolve(error?.code !== 1);
    });
  });
}

function isInRepository(directory: string): boolean {
  if (existsSync(join(directory, '.git'))) return true;
  const parent = dirname(directory);
  return parent !== directory && isInRepository(parent);
}
