import { dirname, join, resolve, sep } from 'node:path';
import type { Ground } from './ground.js';
import type { Literal, Reads } from './reads.js';
import { readsOf } from './reads.js';
import type { Recording } from './recording.js';

/** What is found when the paths that expressions name are followed. */
export interface Closure {
  /** Why anything of the tree may be read; empty where all is understood. */
  readonly doubts: readonly string[];
  /** Whether what is committed may be read, too. Never so in a pure evaluation. */
  readonly fetches: boolean;
  readonly searches: readonly string[];
  /** Variables asked for; undefined: any. */
  readonly variables: readonly string[] | undefined;
}

interface Place {
  readonly path: string;
  readonly ground: Ground;
}

// With one of these a path that was left in an attribute can become a text that tells where the whole tree is, or
// lead to another path.
const REVEALING =
  /^(?:toString|toXML|baseNameOf|dirOf|filterSource|filter|scopedImport|genericClosure|collect|\$\{)$|^(any|map|get|cat|foldl|concatMap|zip|filter|all)Attr|^attr(?:Values|Vals|ByPath)/;
const FETCHING = [
  'fetchGit',
  'fetchTree',
  'fetchMercurial',
  'getFlake',
  'commitIdFromGitRepo',
  'gitDescribe',
  'gitTracked',
];
const SEARCHING = ['findFile', 'nixPath'];
const MAX_LINKS = 40;

const isWithin = (path: string, root: string): boolean =>
  root === sep || path === root || path.startsWith(`${root}${sep}`);

/**
 * Follows the paths of expressions from file to file, and watches all that they name. Relative paths stay in
 * `ground`, of which Nix has a copy; what is absolute is in `elsewhere`, which a pure evaluation does not have: there
 * it is an error, whatever is there.
 */
export class ClosureWalk {
  readonly #recording: Recording;
  readonly #ground: Ground;
  readonly #elsewhere: Ground | undefined;
  readonly #home: string;
  readonly #scanned = new Set<string>();
  readonly #pending: { readonly path: string; readonly base: string; readonly ground: Ground }[] = [];
  readonly #doubts = new Set<string>();
  readonly #searches = new Set<string>();
  readonly #words = new Set<string>();
  readonly #attributes = new Set<string>();
  #variables: string[] | undefined = [];

  constructor(recording: Recording, ground: Ground, elsewhere: Ground | undefined, home: string) {
    this.#recording = recording;
    this.#ground = ground;
    this.#elsewhere = elsewhere;
    this.#home = home;
  }

  /** An expression to begin with. */
  file(path: string): void {
    this.#evaluated({ path, ground: this.#ground });
  }

  /** A directory, of which everything may be read, and evaluated. */
  directory(path: string, ground = this.#ground): void {
    for (const file of ground.all(path)) this.#scan(file, dirname(file), ground);
  }

  /** A source of others, which is watched, and not looked into. */
  source(path: string, ground = this.#elsewhere): void {
    const real = ground === undefined ? undefined : this.#followed({ path, ground });
    if (real?.ground.look(real.path) === 'directory') real.ground.all(real.path);
  }

  doubt(reason: string): void {
    this.#doubts.add(reason);
  }

  /** Follows what is there so far. Can be called again after more has been added. */
  run(): Closure {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      const text = this.#recording.text(next.path);
      if (text !== undefined) this.#take(readsOf(text), next.base, next.ground);
    }
    for (const attribute of this.#attributes) {
      const word = [...this.#words].find((one) => one === attribute || REVEALING.test(one));
      if (word !== undefined) this.#doubts.add(`\`${attribute}\` is a path, and \`${word}\` is used`);
    }
    const impure = this.#elsewhere !== undefined;
    const fetches = impure && FETCHING.some((word) => this.#words.has(word));
    if (fetches) this.#doubts.add('a source that is fetched');
    const searches = [...this.#searches, ...SEARCHING.filter((word) => this.#words.has(word))];
    return { doubts: [...this.#doubts], fetches, searches, variables: this.#variables };
  }

  #take(reads: Reads, base: string, ground: Ground): void {
    for (const doubt of reads.doubts) this.#doubts.add(doubt);
    for (const word of reads.words) this.#words.add(word);
    for (const name of reads.searches) this.#searches.add(name);
    if (reads.variables === undefined) this.#variables = undefined;
    else this.#variables?.push(...reads.variables);
    for (const beginning of reads.beginnings) {
      this.#doubts.add('a path with an interpolation');
      const place = this.#placeOf(beginning.slice(0, beginning.lastIndexOf('/') + 1), base, ground);
      const real = place && this.#followed(place);
      if (real?.ground.look(real.path) === 'directory') this.directory(real.path, real.ground);
    }
    for (const literal of reads.literals) this.#literal(literal, base, ground);
  }

  #literal({ text, use, attribute }: Literal, base: string, ground: Ground): void {
    if (use === 'unknown') this.#doubts.add(`what becomes of \`${text}\``);
    if (attribute !== undefined) this.#attributes.add(attribute);
    const place = this.#placeOf(text, base, ground);
    if (place === undefined) return;
    const real = this.#followed(place);
    const is = real?.ground.look(real.path);
    if (use === 'import') this.#evaluated(place);
    else if (real !== undefined && is === 'directory') this.directory(real.path, real.ground);
    else if (place.path.endsWith('.nix') || real?.path.endsWith('.nix')) this.#evaluated(place);
    // Without purity an expression of any name may lead out of the tree.
    else if (attribute === 'imports' || attribute === 'modules' || (use === 'unknown' && this.#elsewhere))
      this.#evaluated(place);
  }

  /** A file, or the default.nix of a directory. */
  #evaluated(place: Place): void {
    const real = this.#followed(place);
    const is = real?.ground.look(real.path);
    if (real === undefined || is === 'absent') return;
    if (is === 'directory') {
      // as a name only: a directory called default.nix holds no expression for Nix
      if (!place.path.endsWith('/default.nix'))
        this.#evaluated({ ...place, path: join(place.path, 'default.nix') });
      return;
    }
    // Versions of Nix differ in whether a path within a linked file begins where the link is.
    this.#scan(real.path, dirname(real.path), real.ground);
    if (place.path !== real.path) this.#scan(real.path, dirname(place.path), place.ground);
  }

  #scan(path: string, base: string, ground: Ground): void {
    const key = `${ground.root}\0${path}\0${base}`;
    if (this.#scanned.has(key)) return;
    this.#scanned.add(key);
    this.#pending.push({ path, base, ground });
  }

  /** What a path names; undefined where it is nothing that this evaluation could read. */
  #placeOf(text: string, base: string, ground: Ground): Place | undefined {
    const isHome = text.startsWith('~/');
    const path = isHome ? join(this.#home, text.slice(2)) : resolve(base, text);
    if (isHome || text.startsWith(sep)) return this.#elsewhere && { path, ground: this.#elsewhere };
    return isWithin(path, ground.root) ? { path, ground } : undefined;
  }

  /** Where a path leads, over all links, which are watched; undefined where this evaluation cannot go. */
  #followed(place: Place): Place | undefined {
    let { ground } = place;
    const top = (root: string): string => (root === sep ? '' : root);
    let at = top(ground.root);
    let rest = place.path.slice(at.length).split(sep).filter(Boolean);
    let links = 0;
    while (rest.length > 0) {
      const next = `${at}${sep}${rest.shift() ?? ''}`;
      if (!ground.linksAt(next)) {
        if (rest.length > 0) ground.enter(next);
        at = next;
        continue;
      }
      links += 1;
      const is = ground.look(next);
      if (links > MAX_LINKS || !is.startsWith('link ')) return undefined;
      const target = resolve(dirname(next), is.slice(5));
      // A link is copied as it is, so an absolute one leads out of the copy.
      if (is.startsWith('link /') || !isWithin(target, ground.root)) {
        if (this.#elsewhere === undefined) return undefined;
        ground = this.#elsewhere;
      }
      at = top(ground.root);
      rest = [...target.slice(at.length).split(sep).filter(Boolean), ...rest];
    }
    return { path: at || sep, ground };
  }
}
