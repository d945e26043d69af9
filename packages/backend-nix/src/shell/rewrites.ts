import { join } from 'node:path';
import { type DevEnv, outputsOf, textOf } from './dev-env.js';

/** Where a shell is entered. Host paths. */
export interface Place {
  /** What the outputs of the shell's derivation are put into (`outputs/out`), should somebody build there. */
  readonly cwd: string;
  /** Where the files of structured attributes are. */
  readonly files: string;
}

/** What a text of the shell becomes where it is entered. */
export type Rewrite = (text: string) => string;

/**
 * As Nix has it: nobody can write to the outputs' store paths, so `./outputs/out` stands for `$out` wherever it
 * occurs; and the files of structured attributes were in a directory of the build, which is gone.
 */
export function rewritesFor(shell: DevEnv, { cwd, files }: Place): Rewrite {
  const rewrites: [from: string, to: string][] = [];
  for (const [name, path] of outputsOf(shell)) rewrites.push([path, join(cwd, 'outputs', name)]);
  if (shell.structuredAttrs !== undefined) {
    const { variables } = shell;
    rewrites.push(
      [textOf(variables, 'NIX_ATTRS_SH_FILE') ?? '', join(files, '.attrs.sh')],
      [textOf(variables, 'NIX_ATTRS_JSON_FILE') ?? '', join(files, '.attrs.json')],
    );
  }
  const real = rewrites.filter(([from]) => from !== '');
  return (text) => real.reduce((rewritten, [from, to]) => rewritten.replaceAll(from, () => to), text);
}
