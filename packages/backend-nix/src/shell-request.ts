import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { NixOptions } from './options.js';

/** Which shell is wanted, in the words of `nix print-dev-env`. */
export interface ShellRequest {
  /** For humans: `/home/me/project`, `github:owner/name#ci`. */
  readonly name: string;
  /** Directory in which nix runs: that of the flake, so that no path has to be written as a reference. */
  readonly cwd: string;
  readonly args: readonly string[];
  /** The file that the evaluation begins with, or `remote` for a flake that is not on this machine. */
  readonly entry: { readonly kind: 'flake' | 'file'; readonly path: string } | { readonly kind: 'remote' };
  readonly impure: boolean;
  /** Untracked files of a repository are there, too. */
  readonly everyFile: boolean;
  /** Other flakes that the arguments name. */
  readonly references: readonly string[];
}

/** The shell that the options ask for. Does not look whether there is one. */
export function shellRequest(sourceDir: string, options: NixOptions): ShellRequest {
  const { attribute, args = [], impure = false } = options;
  const references = overridingReferences(args);
  if (options.file !== undefined) {
    const path = resolve(sourceDir, options.file);
    return {
      name: named(path, attribute),
      cwd: realDirectory(dirname(path)),
      args: [...args, '--file', `./${basename(path)}`, ...(attribute === undefined ? [] : [attribute])],
      entry: { kind: 'file', path },
      impure: true,
      everyFile: true,
      references,
    };
  }
  const fragment = attribute === undefined ? '' : `#${attribute}`;
  const more = [...args, ...(impure ? ['--impure'] : [])];
  const directory = localDirectory(sourceDir, options.flake ?? '.');
  if (directory === undefined) {
    const reference = `${options.flake}${fragment}`;
    const local = localPath(options.flake ?? '');
    return {
      name: reference,
      cwd: sourceDir,
      args: [...more, reference],
      entry:
        local === undefined
          ? { kind: 'remote' }
          : { kind: 'flake', path: join(resolve(sourceDir, local), 'flake.nix') },
      impure,
      everyFile: reference.startsWith('path:'),
      references,
    };
  }
  return {
    name: named(directory, attribute),
    cwd: realDirectory(directory),
    args: [...more, `.${fragment}`],
    entry: { kind: 'flake', path: join(realDirectory(directory), 'flake.nix') },
    impure,
    everyFile: false,
    references,
  };
}

/** Of a reference that is a plain path: Nix finds out itself whether git knows the directory. */
function localDirectory(sourceDir: string, reference: string): string | undefined {
  const isPath = /^\.{0,2}(\/|$)/.test(reference) && !reference.includes('?');
  return isPath ? resolve(sourceDir, reference) : undefined;
}

/** Of `path:…` and `git+file:…`, as long as they mean the files as they are now. */
function localPath(reference: string): string | undefined {
  const [, path, query] = /^(?:path:|git\+file:(?:\/\/)?)([^?]*)(?:\?(.*))?$/.exec(reference) ?? [];
  if (path === undefined) return undefined;
  const parameters = new URLSearchParams(query);
  if (parameters.has('ref') || parameters.has('rev')) return undefined;
  return join(decodeURIComponent(path), parameters.get('dir') ?? '');
}

/** Values of `--override-input NAME REFERENCE`. */
function overridingReferences(args: readonly string[]): readonly string[] {
  return args.filter((_, index) => args[index - 2] === '--override-input');
}

function named(path: string, attribute: string | undefined): string {
  return attribute === undefined ? path : `${path}#${attribute}`;
}

/** Nix resolves symbolic links in paths to flakes by itself or not at all, depending on its version. */
function realDirectory(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
