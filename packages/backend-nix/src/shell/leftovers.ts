import { type DevEnv, outputsOf, textOf } from './dev-env.js';
import type { Rewrite } from './rewrites.js';

/** For all of them, Nix makes one directory that nobody removes. */
export const TEMPORARY_DIRECTORIES = ['TMP', 'TMPDIR', 'TEMP', 'TEMPDIR', 'NIX_BUILD_TOP'] as const;

/**
 * What belongs to the shell that is entered, and to none of the processes: its place, its nesting, the root that
 * keeps it from being collected, and the mark by which its own processes are found (backend-local).
 */
const OF_THE_SHELL = ['PWD', 'OLDPWD', 'SHLVL', '_', 'NIX_GCROOT', 'COMPANION_PROCESS_MARK'] as const;

/** Variables that are for the build, with the value they have while the `shellHook` runs. */
export function buildVariables(
  shell: DevEnv,
  rewrite: Rewrite,
  temporary: string | undefined,
): ReadonlyMap<string, string | undefined> {
  const variables = new Map<string, string | undefined>();
  for (const name of outputsOf(shell).keys()) {
    const value = textOf(shell.variables, name);
    variables.set(name, value === undefined ? undefined : rewrite(value));
  }
  for (const name of TEMPORARY_DIRECTORIES) variables.set(name, temporary);
  return variables;
}

/**
 * Gives back what entering the shell has changed and processes shall not see: they have what `base` has. A variable
 * of the build that the `shellHook` has given another value stays as it is: that was meant. What Nix hands on beyond
 * these (`shellHook`, `builder`, `name`, the other attributes of the derivation) is not touched: tools look at it.
 */
export function removeLeftovers(
  env: Map<string, string>,
  base: Readonly<Record<string, string>>,
  ofTheBuild: ReadonlyMap<string, string | undefined>,
): void {
  const restore = (name: string) => {
    const value = Object.hasOwn(base, name) ? base[name] : undefined;
    if (value === undefined) env.delete(name);
    else env.set(name, value);
  };
  for (const name of OF_THE_SHELL) restore(name);
  for (const [name, value] of ofTheBuild) {
    const now = env.get(name);
    if (now === undefined || now === value) restore(name);
  }
}
