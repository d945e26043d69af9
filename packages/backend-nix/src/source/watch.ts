import type { Mark } from './mark.js';
import { digest, renewed } from './mark.js';
import { Recorder } from './recorder.js';
import type { Repository } from './repository.js';
import { renewedRepository } from './repository.js';
import type { WatchedVariables } from './surroundings.js';
import { watchedVariables } from './surroundings.js';
import type { Tree } from './tree.js';
import { newestIn, renewedTree } from './tree.js';

/** What is evaluated, and with which environment. */
export interface Source {
  readonly kind: 'flake' | 'file';
  /** Absolute: where flake.nix is, or the file. */
  readonly directory: string;
  /** Absolute: flake.nix, or shell.nix. */
  readonly file: string;
  /** Whether the evaluation may read variables and any file. Of a `file` it always may. */
  readonly impure: boolean;
  /** What nix is run with. */
  readonly env: Readonly<Record<string, string>>;
  /** The flake is named by a `path:` reference, so that untracked files exist, too. */
  readonly everyFile?: boolean;
  /** Absolute: with `everyFile`, what Nix copies, where that is more than `directory` (`path:…?dir=…`). */
  readonly root?: string;
  /** Further references that are evaluated: the values of `--override-input`. Those of this machine are watched. */
  readonly references?: readonly string[];
}

/** What an evaluation can have read, as it was. JSON. */
export interface Watch {
  readonly format: 1;
  /** Digest of what was evaluated. */
  readonly of: string;
  readonly variables: WatchedVariables;
  readonly named: Readonly<Record<string, Mark>>;
  readonly trees: Readonly<Record<string, Tree>>;
  readonly repositories: readonly Repository[];
  /** The newest change in a directory, in seconds, where the evaluation can ask for it. */
  readonly newest: Readonly<Record<string, number>>;
  /** Why everything is watched; empty where the paths that expressions name tell all. */
  readonly doubts: readonly string[];
}

const identity = ({ kind, file, impure, everyFile = false, root = '', references = [] }: Source): string =>
  digest(JSON.stringify([kind, file, impure, everyFile, root, references]));

/**
 * Notes what an evaluation of `source` can read, and what is there now. To be called *before* the evaluation: what
 * changes meanwhile is then a change.
 *
 * Sound for flakes, because their evaluation is pure: it reads its own source tree, and inputs that its lock file
 * fixes. Into the tree lead paths that are written down, and `self`. Files that paths name are watched, and those
 * that are evaluated are read for further paths in turn; directories are watched as a whole. The value of a path is
 * harmless where a function reads it or a text copies it. Wherever anything else may become of it, or `self` is
 * handed on, or the text is not understood, the whole tree is watched, and git's commit, where that can be asked for.
 * In a repository a file exists for Nix if it is tracked, so that is watched as well. Two things are taken on trust:
 * that functions of nixpkgs do with an argument what their names say (`callPackage`, `src`, `imports`, …; the lists
 * are in reads.ts), and that git's settings convert no line ends.
 *
 * Not so for evaluations that are not pure (`shell.nix`, `impure`): beyond the paths, searches and variables that
 * local expressions name they depend on the time, on what is fetched without a hash, on variables that code of others
 * asks for, and on paths that are put together outside of the source's own directory. Left out everywhere: what is in
 * a `.git` further down, files whose names are not UTF-8, and the store, which never changes.
 */
export async function record(source: Source): Promise<Watch> {
  const recorder = new Recorder(source);
  const { doubts, names } = await recorder.record();
  return {
    format: 1,
    of: identity(source),
    variables: watchedVariables(names, source.env),
    named: Object.fromEntries(recorder.recording.named),
    trees: Object.fromEntries(recorder.recording.trees),
    repositories: recorder.repositories(),
    newest: Object.fromEntries(recorder.newest),
    doubts,
  };
}

/**
 * The watch with signatures as they are now if nothing that it watches has another content, undefined otherwise. The
 * same object where all signatures still hold: otherwise keeping the new one saves reading those files again.
 */
export async function renewedWatch(watch: Watch, source: Source): Promise<Watch | undefined> {
  if (watch.format !== 1 || watch.of !== identity(source)) return undefined;
  if (watchedVariables(watch.variables.names, source.env).digest !== watch.variables.digest) return undefined;
  let isNew = false;
  const named: Record<string, Mark> = {};
  for (const [path, mark] of Object.entries(watch.named)) {
    const now = renewed(path, mark);
    if (now === undefined) return undefined;
    named[path] = now;
    isNew ||= now !== mark;
  }
  const trees: Record<string, Tree> = {};
  for (const [directory, tree] of Object.entries(watch.trees)) {
    const now = renewedTree(tree);
    if (now === undefined) return undefined;
    trees[directory] = now;
    isNew ||= now !== tree;
  }
  for (const [directory, newest] of Object.entries(watch.newest)) {
    if (newestIn(trees[directory] ?? {}) !== newest) return undefined;
  }
  const repositories: Repository[] = [];
  for (const repository of watch.repositories) {
    const now = await renewedRepository(repository, source.env);
    if (now === undefined) return undefined;
    repositories.push(now);
    isNew ||= now !== repository;
  }
  return isNew ? { ...watch, named, trees, repositories } : watch;
}

/** Whether everything that the evaluation can have read is as it was. Content decides, not time. */
export async function unchanged(watch: Watch, source: Source): Promise<boolean> {
  return (await renewedWatch(watch, source)) !== undefined;
}
