import { basename, join, relative } from 'node:path';
import { statOf } from './mark.js';
import type { Recording } from './recording.js';
import type { Tracked } from './repository.js';

/** The files that an expression can reach from where it is: those that exist for Nix. */
export interface Ground {
  readonly root: string;
  /** Whether there is a link at this path; nothing is watched. */
  readonly linksAt: (path: string) => boolean;
  /** Watches that a directory on the way to something stays one, and no link. */
  readonly enter: (path: string) => void;
  /** Watches one path and tells what is there: `absent`, `directory`, `link …`. */
  readonly look: (path: string) => string;
  /** Watches a whole directory; gives the Nix files in it. */
  readonly all: (directory: string) => readonly string[];
}

/** What of a ground's files is not watched, and why that is no loss. */
export interface Exceptions {
  /** Never changes. */
  readonly store: string;
  /** More than anyone's source: the whole machine, say. */
  readonly isTooMuch: (directory: string) => boolean;
}

// They hold no sources, and reading them may never end.
const MACHINE = /^\/(?:proc|sys|dev|run)(?:\/|$)/;

/** Files as they are. */
export function filesGround(root: string, recording: Recording, exceptions?: Exceptions): Ground {
  const skips = (path: string): boolean =>
    exceptions !== undefined && (MACHINE.test(path) || path.startsWith(`${exceptions.store}/`));
  const look = (path: string): string => (skips(path) ? 'absent' : recording.mark(path)[0]);
  return {
    root,
    linksAt: (path) => statOf(path)?.isSymbolicLink() === true,
    enter: look,
    look,
    all: (directory) =>
      skips(directory) || exceptions?.isTooMuch(directory) ? [] : recording.tree(directory),
  };
}

/** What git tracks, as Nix sees no other file of a repository. `asked` collects whose being tracked counts. */
export class GitGround implements Ground {
  readonly root: string;
  readonly entries: readonly Tracked[];
  readonly asked = new Set<string>();
  readonly #recording: Recording;
  readonly #tracked = new Set<string>();
  readonly #directories = new Set<string>(['']);
  readonly #submodules: readonly string[];

  constructor(root: string, entries: readonly Tracked[], recording: Recording) {
    this.root = root;
    this.entries = entries;
    this.#recording = recording;
    this.#submodules = entries.filter(({ submodule }) => submodule).map(({ path }) => path);
    for (const { path, submodule } of entries) {
      if (!submodule) this.#tracked.add(path);
      for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
        if (this.#directories.has(path.slice(0, at))) break;
        this.#directories.add(path.slice(0, at));
      }
    }
  }

  readonly linksAt = (path: string): boolean =>
    this.#tracked.has(relative(this.root, path)) && statOf(path)?.isSymbolicLink() === true;

  readonly enter = (path: string): void => {
    if (this.#directories.has(relative(this.root, path))) this.#recording.mark(path);
  };

  readonly look = (path: string): string => {
    const at = relative(this.root, path);
    if (this.#directories.has(at)) return this.#recording.mark(path)[0];
    this.asked.add(at);
    const inside = this.#submodules.some((one) => at === one || at.startsWith(`${one}/`));
    return inside || this.#tracked.has(at) ? this.#recording.mark(path)[0] : 'absent';
  };

  readonly all = (directory: string): readonly string[] => {
    const at = relative(this.root, directory);
    this.asked.add(at);
    const expressions: string[] = [];
    for (const one of this.#directories) {
      if (one !== '' && (at === '' || one.startsWith(`${at}/`))) this.#recording.mark(join(this.root, one));
    }
    for (const { path, submodule } of this.entries) {
      const within = at === '' || path === at || path.startsWith(`${at}/`);
      // Git's index tells nothing of what is in a submodule.
      if (submodule && (within || at.startsWith(`${path}/`))) {
        expressions.push(...this.#recording.tree(within ? join(this.root, path) : directory));
      } else if (within) {
        this.#recording.mark(join(this.root, path));
        if (path.endsWith('.nix')) expressions.push(join(this.root, path));
      }
    }
    return expressions;
  };

  /**
   * Whether git may hand out other bytes than those in the working tree, so that being committed makes a difference.
   */
  converts(common: string): boolean {
    const files = this.entries
      .filter(({ path }) => basename(path) === '.gitattributes')
      .map(({ path }) => join(this.root, path));
    const texts = [...files, join(common, 'info', 'attributes')].map(
      (path) => this.#recording.text(path) ?? '',
    );
    return this.entries.some(({ unseen }) => unseen) || texts.some((text) => CONVERTING.test(text));
  }
}

const CONVERTING = /export-(?:ignore|subst)|\b(?:filter|working-tree-encoding)=|\bident\b|\beol=crlf/;
