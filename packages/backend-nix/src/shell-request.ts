import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { furtherArguments } from './nix/further-arguments.js';
import type { NixOptions } from './options.js';

/** Which shell is wanted, in the words of `nix print-dev-env`. */
export interface ShellRequest {
  /** For humans: `/home/me/project`, `github:owner/name#ci`. */
  readonly name: string;
  /** Where nix runs: in the flake's directory, so that its path need not be written as a reference. */
  readonly cwd: string;
  readonly args: readonly string[];
  readonly entry: Entry;
  readonly impure: boolean;
  /** Other flakes that the arguments name. */
  readonly references: readonly string[];
  /** Whether what the arguments add can be told from them: not so where they name files, or the newest of something. */
  readonly isWatchable: boolean;
}

/** What the evaluation begins with: a file of this machine, or a flake that is elsewhere. */
type Entry =
  | {
      readonly kind: 'flake' | 'file';
      readonly path: string;
      /** Untracked files of a repository are there, too. */
      readonly everyFile?: boolean;
      /** Of the tree that the flake can read, where that is more than its directory. */
      readonly root?: string;
    }
  | { readonly kind: 'remote'; readonly reference: string };

/** The shell that the options ask for. Does not look whether there is one. */
export function shellRequest(sourceDir: string, options: NixOptions): ShellRequest {
  const { attribute, args = [], impure = false, file, flake = '.' } = options;
  const further = furtherArguments(args);
  const added = { references: further.references, isWatchable: further.isWatchable };
  if (file !== undefined) {
    const path = resolve(sourceDir, file);
    const installable = ['--file', `./${basename(path)}`, ...(attribute === undefined ? [] : [attribute])];
    return {
      ...added,
      name: named(path, attribute),
      cwd: realDirectory(dirname(path)),
      args: [...args, ...installable],
      entry: { kind: 'file', path },
      impure: true,
    };
  }
  const { cwd, reference, name, entry } = placeOf(sourceDir, flake);
  return {
    ...added,
    name: named(name, attribute),
    cwd,
    args: [...args, ...(impure ? ['--impure'] : []), named(reference, attribute)],
    entry,
    impure: impure || further.impure,
  };
}

interface Place extends Pick<ShellRequest, 'name' | 'cwd' | 'entry'> {
  readonly reference: string;
}

/** Where the flake is, and how Nix is told. */
function placeOf(sourceDir: string, flake: string): Place {
  const entry = { kind: 'remote', reference: flake } as const;
  const elsewhere: Place = { cwd: sourceDir, reference: flake, name: flake, entry };
  const [, scheme = '', path, query] =
    /^(path:|git\+file:(?:\/\/)?|(?=\.{0,2}(?:[/?]|$)))([^?]*)(?:\?(.*))?$/.exec(flake) ?? [];
  const parameters = new URLSearchParams(query);
  // A revision does not change with the files.
  if (path === undefined || parameters.has('ref') || parameters.has('rev')) return elsewhere;
  const root = realDirectory(resolve(sourceDir, scheme === '' ? path : decoded(path)));
  const directory = join(root, parameters.get('dir') ?? '');
  const file = { kind: 'flake', path: join(directory, 'flake.nix') } as const;
  if (scheme === 'path:') return { ...elsewhere, entry: { ...file, everyFile: true, root } };
  if (scheme !== '') return { ...elsewhere, entry: file };
  // Nix finds out itself whether git knows the directory.
  return { cwd: root, reference: query === undefined ? '.' : `.?${query}`, name: directory, entry: file };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
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
