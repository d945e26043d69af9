import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { digest, signatureOf, statOf } from './mark.js';

/** What is tracked in a repository, as far as it is watched. */
export interface Repository {
  readonly root: string;
  /** Paths whose being tracked counts, and that of what is in them, relative to the root; '' is everything. */
  readonly paths: readonly string[];
  /** Signature of git's index: while it is the same, so is the listing. */
  readonly index: string;
  /** Digest of the entries that `paths` select. */
  readonly listing: string;
  /** The commit that is checked out, where that counts. */
  readonly head?: string | undefined;
}

/** An entry of git's index. */
export interface Tracked {
  readonly path: string;
  /** A submodule: a directory with an index of its own. */
  readonly submodule: boolean;
  /** Git does not look at this file in the working tree: sparse, or assumed unchanged. */
  readonly unseen: boolean;
  readonly object: string;
}

type Variables = Readonly<Record<string, string>>;

const run = promisify(execFile);

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Nix takes a directory for part of a repository when it or a directory above has a `.git`, of whatever kind. */
export function repositoryAround(directory: string): {
  readonly root: string | undefined;
  readonly asked: readonly string[];
} {
  const asked: string[] = [];
  for (let at = directory; at !== dirname(at); at = dirname(at)) {
    asked.push(join(at, '.git'));
    if (statOf(join(at, '.git')) !== undefined) return { root: at, asked };
  }
  return { root: undefined, asked };
}

/** Where git keeps its records: with linked working trees and submodules elsewhere than in `.git`. */
export function recordsOf(root: string, env: Variables): { index: string; head: string; common: string } {
  const link = textOf(join(root, '.git'))?.match(/^gitdir: (.*)$/m)?.[1];
  const own = link === undefined ? join(root, '.git') : resolve(root, link);
  const common = resolve(own, textOf(join(own, 'commondir'))?.trim() ?? '.');
  const named = env.GIT_INDEX_FILE;
  return { index: named ? resolve(root, named) : join(own, 'index'), head: join(own, 'HEAD'), common };
}

async function git(root: string, env: Variables, ...args: string[]): Promise<string> {
  // Nix names the repository, so these do not count. Nothing here may take git's locks.
  const { GIT_DIR: _directory, GIT_WORK_TREE: _tree, ...rest } = env;
  const all = ['-C', root, '--git-dir', '.git', ...args];
  const options = { env: { ...rest, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' }, maxBuffer: 2 ** 30 };
  return (await run('git', all, options)).stdout;
}

/** All entries of the index, or undefined where there is no git that can tell. */
export async function trackedIn(root: string, env: Variables): Promise<readonly Tracked[] | undefined> {
  try {
    const output = await git(root, env, 'ls-files', '-z', '-s', '-v');
    const records = output.split('\0').slice(0, -1);
    return records.map((record) => {
      const tab = record.indexOf('\t');
      const [tag = '', mode = '', object = ''] = record.slice(0, tab).split(' ');
      return {
        path: record.slice(tab + 1),
        submodule: mode === '160000',
        unseen: tag !== 'H' && tag !== 'M',
        object,
      };
    });
  } catch {
    return undefined;
  }
}

/** A signature of git's index, to be taken before the entries are. */
export function indexSignature(root: string, env: Variables): string {
  const now = Date.now();
  const stat = statOf(recordsOf(root, env).index);
  return stat === undefined ? 'absent' : signatureOf(stat, now);
}

function* above(path: string): Generator<string> {
  for (let at = path; ; at = dirname(at)) {
    yield at === '.' ? '' : at;
    if (at === '.' || at === '') return;
  }
}

/** Digest of the entries at `paths`, in them, and above them: a link or a submodule there leads elsewhere. */
export function listingOf(entries: readonly Tracked[], paths: readonly string[]): string {
  const selected = new Set(paths);
  const parents = new Set(paths.flatMap((path) => [...above(path)]));
  const lines: string[] = [];
  for (const { path, submodule, unseen, object } of entries) {
    // Attributes decide what git hands to Nix of other files.
    const counts =
      parents.has(path) ||
      basename(path) === '.gitattributes' ||
      [...above(path)].some((one) => selected.has(one));
    if (counts) lines.push(`${submodule ? 'submodule ' : ''}${unseen ? object : ''}\t${path}`);
  }
  return digest(lines.join('\0'));
}

/**
 * The commit that is checked out; '' where there is none yet. A change of the depth of a shallow history shows, too.
 */
export async function headOf(root: string, env: Variables): Promise<string> {
  const { head, common } = recordsOf(root, env);
  const shallow = textOf(join(common, 'shallow')) ?? '';
  const text = textOf(head)?.trim() ?? '';
  const name = text.match(/^ref: (.*)$/)?.[1];
  // The stand-in of repositories that keep their branches in a table.
  if (name === 'refs/heads/.invalid') {
    const commit = await git(root, env, 'rev-parse', '--verify', '--quiet', 'HEAD').catch(() => '');
    return `${commit.trim()}${shallow && digest(shallow)}`;
  }
  const loose = name === undefined ? text : textOf(join(common, name))?.trim();
  const packed = (): string | undefined =>
    textOf(join(common, 'packed-refs'))
      ?.split('\n')
      .find((line) => line.endsWith(` ${name}`))
      ?.split(' ')[0];
  return `${loose ?? packed() ?? ''}${shallow && digest(shallow)}`;
}

/**
 * The repository renewed (the same one where nothing is new), or undefined where it has changed. Runs git only after
 * a change of its index.
 */
export async function renewedRepository(
  repository: Repository,
  env: Variables,
): Promise<Repository | undefined> {
  const { root, paths, head } = repository;
  if (head !== undefined && (await headOf(root, env)) !== head) return undefined;
  const index = indexSignature(root, env);
  if (index !== '' && index === repository.index) return repository;
  const entries = await trackedIn(root, env);
  if (entries === undefined || listingOf(entries, paths) !== repository.listing) return undefined;
  return index === repository.index ? repository : { ...repository, index };
}
