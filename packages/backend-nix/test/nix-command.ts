import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { StartedNix } from './engines/nix.mjs';

/** Runs a command of that Nix by hand; standard output. */
export async function nixCommand(
  { program, env }: StartedNix,
  args: readonly string[],
  cwd = '/',
): Promise<string> {
  return (await promisify(execFile)(program, args, { env, cwd })).stdout;
}
