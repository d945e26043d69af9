import type { Stats } from 'node:fs';
import { readdirSync } from 'node:fs';
import type { Mark } from './mark.js';
import { markOf, renewed, signatureOf, statOf } from './mark.js';

/** All files of a directory: for each directory in it, by its path, a signature and what its entries are. */
export type Tree = Readonly<
  Record<string, readonly [signature: string, entries: Readonly<Record<string, Mark>>]>
>;

// A repository's own records change with every command of git; what is committed there is watched where it counts.
const LEFT_OUT = '.git';

function namesOf(directory: string): string[] | undefined {
  try {
    return readdirSync(directory).filter((name) => name !== LEFT_OUT);
  } catch {
    return undefined;
  }
}

// The directory itself, and not a link that leads to it.
const directoryStat = (directory: string): Stats | undefined => statOf(`${directory}/.`);

/** Marks a whole directory. Links in it are marked, not followed. */
export function treeOf(directory: string): Tree {
  const tree: Record<string, [string, Record<string, Mark>]> = {};
  const pending = [directory];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const now = Date.now();
    const stat = directoryStat(at);
    const names = namesOf(at);
    const entries: Record<string, Mark> = Object.create(null);
    tree[at] = [stat === undefined || names === undefined ? '' : signatureOf(stat, now), entries];
    for (const name of names ?? []) {
      const path = `${at}/${name}`;
      const { mark } = markOf(path);
      entries[name] = mark;
      if (mark[0] === 'directory') pending.push(path);
    }
  }
  return tree;
}

/** The tree renewed (the same one where nothing is new), or undefined where it has changed. */
export function renewedTree(tree: Tree): Tree | undefined {
  const fresh: Record<string, [string, Record<string, Mark>]> = {};
  let changed = false;
  for (const [directory, [signature, entries]] of Object.entries(tree)) {
    const now = Date.now();
    const stat = directoryStat(directory);
    const seen = stat === undefined ? '' : signatureOf(stat, now);
    if (seen === '' || seen !== signature) {
      const names = namesOf(directory) ?? [];
      if (
        names.length !== Object.keys(entries).length ||
        !names.every((name) => Object.hasOwn(entries, name))
      )
        return undefined;
    }
    const next: Record<string, Mark> = Object.create(null);
    fresh[directory] = [seen, next];
    changed ||= seen !== signature;
    for (const [name, mark] of Object.entries(entries)) {
      const entry = renewed(`${directory}/${name}`, mark);
      if (entry === undefined) return undefined;
      next[name] = entry;
      changed ||= entry !== mark;
    }
  }
  return changed ? fresh : tree;
}

/** The newest change of content in a tree, in seconds: what Nix says of the age of sources without a history. */
export function newestIn(tree: Tree): number {
  let newest = 0;
  for (const [directory, [, entries]] of Object.entries(tree)) {
    for (const path of [`${directory}/.`, ...Object.keys(entries).map((name) => `${directory}/${name}`)]) {
      newest = Math.max(newest, Math.floor((statOf(path)?.mtimeMs ?? 0) / 1000));
    }
  }
  return newest;
}
