import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import type { Closure } from './closure.js';
import { ClosureWalk } from './closure.js';
import type { Ground } from './ground.js';
import { filesGround, GitGround } from './ground.js';
import type { LocalSource } from './local-inputs.js';
import { localInputs, localSource } from './local-inputs.js';
import { ownTreeOf } from './own-tree.js';
import { Recording } from './recording.js';
import type { Repository } from './repository.js';
import { headOf, indexSignature, listingOf, recordsOf, repositoryAround, trackedIn } from './repository.js';
import { nixpkgsSettings, searched, settingsFiles, variableNames } from './surroundings.js';
import { newestIn } from './tree.js';
import type { Source } from './watch.js';

interface OpenRepository {
  readonly ground: GitGround;
  readonly index: string;
  head?: string;
}

/** Finds out, once, what the evaluation of a source can read. */
export class Recorder {
  readonly recording = new Recording();
  readonly newest = new Map<string, number>();
  readonly #source: Source;
  readonly #home: string;
  readonly #impure: boolean;
  readonly #repositories = new Map<string, OpenRepository>();

  constructor(source: Source) {
    this.#source = source;
    this.#home = source.env.HOME || homedir();
    this.#impure = source.impure || source.kind === 'file';
  }

  /** Fills `recording`; gives the doubts that made it wide, and the names of variables that count. */
  async record(): Promise<{ readonly doubts: readonly string[]; readonly names: readonly string[] }> {
    const { kind, env, references = [], directory } = this.#source;
    for (const file of settingsFiles(env)) this.recording.mark(file);
    const closure = kind === 'file' ? await this.#file() : await this.#flake();
    for (const reference of references) {
      const source = localSource(reference, directory);
      if (source !== undefined) await this.#input(source);
    }
    return { doubts: closure.doubts, names: variableNames(this.#impure, closure.variables) };
  }

  /** What was asked of git. */
  repositories(): readonly Repository[] {
    return [...this.#repositories].map(([root, { ground, index, head }]) => {
      const paths = [...ground.asked].sort();
      return { root, paths, index, listing: listingOf(ground.entries, paths), head };
    });
  }

  async #file(): Promise<Closure> {
    const { directory, file } = this.#source;
    const ground = this.#everywhere();
    const walk = new ClosureWalk(this.recording, ground, ground, this.#home);
    walk.file(file);
    return await this.#outside(walk, directory, ground);
  }

  async #flake(): Promise<Closure> {
    const { directory, file, env, everyFile, root = directory } = this.#source;
    const around = everyFile === true ? { root: undefined, asked: [] } : repositoryAround(directory);
    for (const path of around.asked) this.recording.mark(path);
    const ground =
      around.root === undefined ? filesGround(root, this.recording) : await this.#repository(around.root);
    const walk = new ClosureWalk(
      this.recording,
      ground,
      this.#impure ? this.#everywhere() : undefined,
      this.#home,
    );
    walk.file(file);
    const flake = this.recording.text(file) ?? '';
    const lockFile = join(directory, 'flake.lock');
    ground.look(lockFile);
    const inputs = localInputs(this.recording.text(lockFile), flake, directory);
    const git = this.#repositories.get(ground.root);
    const own = [ownTreeOf(flake)];
    for (const source of inputs.sources) {
      // A flake within this one is copied with it, and newer versions of Nix let it see all of the copy.
      if (source.kind !== 'files' || !source.path.startsWith(`${ground.root}${sep}`))
        await this.#input(source);
      else {
        walk.directory(source.path);
        own.push(ownTreeOf(this.recording.text(join(source.path, 'flake.nix')) ?? '{ outputs = _: { }; }'));
      }
    }
    const any = inputs.handsOnItself || git?.ground.converts(recordsOf(ground.root, env).common) === true;
    const revision = any || own.some((one) => one.revision);
    if (any || own.some((one) => one.whole)) walk.doubt('the source of the flake itself');
    if (revision) walk.doubt('the revision of the flake itself');
    const closure = await this.#outside(walk, ground.root, ground);
    if (git !== undefined && (revision || closure.fetches)) git.head = await headOf(ground.root, env);
    if (git === undefined && closure.doubts.length > 0) this.#everyFile(ground.root, revision);
    return closure;
  }

  /**
   * Of a tree that git does not select: its own records are copied as well, and all of it is as old as its newest
   * file.
   */
  #everyFile(root: string, aged: boolean): void {
    const records = join(root, '.git');
    if (this.recording.mark(records)[0] === 'directory') this.recording.tree(records);
    if (!aged) return;
    for (const one of [root, records]) {
      const tree = this.recording.trees.get(one);
      if (tree !== undefined) this.newest.set(one, newestIn(tree));
    }
  }

  /** Follows all paths, and what is read without naming it; all of `whole`, where there is a doubt. */
  async #outside(walk: ClosureWalk, whole: string, ground: Ground): Promise<Closure> {
    const { env, directory } = this.#source;
    let closure = walk.run();
    if (closure.doubts.length > 0) {
      walk.directory(whole, ground);
      // A pure evaluation reads nothing else, wherever in the tree.
      if (this.#impure) closure = walk.run();
    }
    if (!this.#impure) return closure;
    for (const path of nixpkgsSettings(env)) walk.source(path);
    const names = closure.searches.length > 0 ? [...closure.searches, 'nixpkgs-overlays', undefined] : [];
    for (const name of names) for (const path of searched(name, env)) walk.source(path);
    const { root } = repositoryAround(directory);
    if (closure.fetches && root !== undefined) await this.#input({ kind: 'git', path: root });
    return closure;
  }

  async #input({ kind, path }: LocalSource): Promise<void> {
    const { root, asked } = kind === 'files' ? { root: undefined, asked: [] } : repositoryAround(path);
    for (const one of asked) this.recording.mark(one);
    if (root === undefined) {
      new ClosureWalk(this.recording, this.#everywhere(), this.#everywhere(), this.#home).source(path);
      return;
    }
    (await this.#repository(root)).all(root);
    const repository = this.#repositories.get(root);
    if (repository !== undefined) repository.head = await headOf(root, this.#source.env);
  }

  async #repository(root: string): Promise<Ground> {
    const known = this.#repositories.get(root);
    if (known !== undefined) return known.ground;
    const { env } = this.#source;
    const index = indexSignature(root, env);
    const entries = await trackedIn(root, env);
    if (entries === undefined) {
      // No git that tells: then everything counts, and every change of the records themselves.
      const { index, head } = recordsOf(root, env);
      for (const path of [index, head]) this.recording.mark(path);
      return filesGround(root, this.recording);
    }
    const ground = new GitGround(root, entries, this.recording);
    this.#repositories.set(root, { ground, index });
    return ground;
  }

  /** All files of this machine, without what never changes, and what is too much to be anyone's source. */
  #everywhere(): Ground {
    const { env, directory } = this.#source;
    const store = env.NIX_STORE_DIR || env.NIX_STORE || '/nix/store';
    const isTooMuch = (path: string): boolean =>
      path !== directory && (path === sep || `${this.#home}${sep}`.startsWith(`${path}${sep}`));
    return filesGround(sep, this.recording, { store, isTooMuch });
  }
}
