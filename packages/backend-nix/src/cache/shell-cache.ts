import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { DevEnv } from '../shell/dev-env.js';
import { holdLock } from './slot-lock.js';
import type { Validity } from './validity.js';

/** Of this shape; others are of other versions of this package. */
const FORMAT = 1;
/** What nobody has entered for so long goes, and Nix may collect its store paths. */
const UNUSED_FOR_MS = 30 * 24 * 3600 * 1000;
/** Of one request, which every change of its source adds one to; what is older than these goes after a day. */
const MOST_SHELLS = 20;
const SUPERSEDED_FOR_MS = 24 * 3600 * 1000;

/** A shell as it was evaluated once, and when it still is what an evaluation would give. */
export interface CachedShell {
  readonly id: string;
  readonly validity: Validity;
  readonly shell: DevEnv;
}

/**
 * The shells that were evaluated for one request, one file each, with one of Nix's profiles each, which keeps their
 * store paths from garbage collection. A file appears whole or not at all, and last: what has none is a leftover.
 */
export class CacheSlot {
  readonly #directory: string;

  constructor(cacheDirectory: string, identity: readonly unknown[]) {
    const name = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
    this.#directory = join(cacheDirectory, name);
  }

  /** The last used first. Those whose store paths are gone do not count. */
  *shells(): Generator<CachedShell> {
    const ids = namesIn(this.#directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length));
    const used = ids.flatMap((id) => {
      const at = modifiedAt(this.#file(id));
      return at === undefined ? [] : [{ id, at }];
    });
    for (const { id } of used.sort((one, other) => other.at - one.at)) {
      const cached = this.#read(id);
      if (cached !== undefined && existsSync(this.profile(id))) yield cached;
    }
  }

  /** Keeps it from being removed for a while. */
  touch(id: string): void {
    try {
      const now = new Date();
      utimesSync(this.#file(id), now, now);
    } catch {
      // Removed by hand, or the directory is read-only: whoever uses it now has what it needs.
    }
  }

  /** For one process at a time; the returned function ends it. */
  async hold(signal: AbortSignal | undefined): Promise<() => void> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    return await holdLock(join(this.#directory, 'lock'), signal);
  }

  /** A name for a new shell. Only who holds the slot asks for one, so what is unfinished has been given up. */
  newId(): string {
    for (const name of namesIn(this.#directory)) {
      const [id = ''] = name.split(/[-.]/);
      if (id !== 'lock' && !existsSync(this.#file(id))) this.#remove(name);
    }
    return randomBytes(6).toString('hex');
  }

  /** A symbolic link that Nix makes and takes for a root. */
  profile(id: string): string {
    return join(this.#directory, `${id}-profile`);
  }

  /** Host directory for what belongs to the shell and has to be a file. */
  files(id: string): string {
    return join(this.#directory, `${id}-files`);
  }

  store({ id, validity, shell }: CachedShell): void {
    const unfinished = join(this.#directory, `${id}-${randomBytes(6).toString('hex')}`);
    try {
      writeFileSync(unfinished, JSON.stringify({ format: FORMAT, validity, shell }), { mode: 0o600 });
      renameSync(unfinished, this.#file(id));
    } catch (error) {
      // A full disk leaves half a file.
      rmSync(unfinished, { force: true });
      throw error;
    }
  }

  /** Saves comparing contents the next time. */
  renew(cached: CachedShell): void {
    try {
      this.store(cached);
    } catch {
      // A cache that cannot be written serves as it is.
    }
  }

  #remove(name: string): void {
    rmSync(join(this.#directory, name), { recursive: true, force: true });
  }

  #file(id: string): string {
    return join(this.#directory, `${id}.json`);
  }

  #read(id: string): CachedShell | undefined {
    try {
      const { format, validity, shell } = JSON.parse(readFileSync(this.#file(id), 'utf8'));
      return format === FORMAT ? { id, validity, shell } : undefined;
    } catch {
      // Removed meanwhile, or damaged: it counts as absent.
      return undefined;
    }
  }
}

/** Of all requests: what nobody has used for long. */
export function removeUnused(cacheDirectory: string): void {
  for (const slot of namesIn(cacheDirectory)) removeUnusedOf(join(cacheDirectory, slot));
}

function removeUnusedOf(slot: string): void {
  const names = namesIn(slot);
  const agesOf = (wanted: (name: string) => boolean): readonly (readonly [name: string, age: number])[] =>
    names
      .filter(wanted)
      .map((name) => [name, Date.now() - (modifiedAt(join(slot, name)) ?? Date.now())] as const);
  const shells = agesOf((name) => name.endsWith('.json'));
  const remove = (name: string): void => rmSync(join(slot, name), { recursive: true, force: true });
  const kept = new Set<string>();
  for (const [index, [file, age]] of shells.toSorted(([, one], [, other]) => one - other).entries()) {
    const id = file.slice(0, -'.json'.length);
    if (age < (index < MOST_SHELLS ? UNUSED_FOR_MS : SUPERSEDED_FOR_MS)) kept.add(id);
    else for (const name of names.filter((one) => one === file || one.startsWith(`${id}-`))) remove(name);
  }
  // What somebody who was killed has left, where nobody has evaluated since.
  const isLeftover = (name: string): boolean => name !== 'lock' && !kept.has(name.split(/[-.]/)[0] ?? '');
  for (const [name, age] of agesOf(isLeftover)) if (age >= SUPERSEDED_FOR_MS) remove(name);
}

/** Where shells are kept when no option says so; as the XDG base directory specification has it. */
export function defaultCacheDirectory(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_CACHE_HOME;
  return join(base?.startsWith('/') === true ? base : join(homedir(), '.cache'), 'companion', 'nix');
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Of a link its own: what it leads to is in the store, where all is from 1970. */
function modifiedAt(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
