interface Rule {
  readonly pattern: RegExp;
  /** Puts back in what an earlier rule left out. */
  readonly isException: boolean;
  /** The part before the first wildcard, whole names only: where matches can be. */
  readonly fixed: string;
  readonly isLiteral: boolean;
}

/**
 * The rules of a `.dockerignore`, as docker reads them: the last one that matches a path or a folder above it decides.
 * Our own, because those that can be had leave out a folder together with what an exception puts back in.
 */
export class DockerIgnore {
  readonly #rules: readonly Rule[];

  /** `always`: paths that are sent whatever the rules say. */
  constructor(text: string, always: readonly string[] = []) {
    this.#rules = [
      ...text
        .replace(/^\uFEFF/, '')
        .split(/\r?\n/)
        .map(parseRule)
        .filter((rule) => rule !== undefined),
      ...always.map((path) => ({ pattern: literal(path), isException: true, fixed: path, isLiteral: true })),
    ];
  }

  /** `path` is relative to the context, with slashes. */
  ignores(path: string): boolean {
    const names = path.split('/');
    const paths = names.map((_, index) => names.slice(0, index + 1).join('/'));
    let isIgnored = false;
    for (const { pattern, isException } of this.#rules) {
      // A rule that would change nothing is not worth matching.
      if (isException === isIgnored && paths.some((candidate) => pattern.test(candidate))) {
        isIgnored = !isException;
      }
    }
    return isIgnored;
  }

  /** Whether something below this ignored folder may be put back in. */
  mayKeepBelow(folder: string): boolean {
    return this.#rules.some(
      ({ isException, fixed, isLiteral }) =>
        isException &&
        (isBelow(fixed, folder) ||
          (!isLiteral && (fixed === '' || isBelow(folder, fixed) || folder === fixed))),
    );
  }
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

function parseRule(line: string): Rule | undefined {
  if (line.startsWith('#')) return undefined;
  const text = line.trim();
  const isException = text.startsWith('!');
  const path = cleanPath(isException ? text.slice(1).trim() : text);
  if (path === '' || path === '.') return undefined;
  const names = path.split('/');
  const wild = names.findIndex((name) => /[*?[\\]/.test(name));
  return {
    pattern: new RegExp(`^${names.map(nameSource).join('/').replaceAll('(?:.*/)?/', '(?:.*/)?')}$`, 's'),
    isException,
    fixed: (wild < 0 ? names : names.slice(0, wild)).join('/'),
    isLiteral: wild < 0,
  };
}

/** As Go's `filepath.Clean`, and without the slash at the beginning. */
function cleanPath(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names.join('/');
}

/** Go's `filepath.Match` for one name, and docker's `**` for any number of folders. */
function nameSource(name: string, index: number, names: readonly string[]): string {
  if (name === '**') return index === names.length - 1 ? '.*' : '(?:.*/)?';
  return name.replaceAll(
    /\\(.)|\*+|\?|(\[\^?[^\]]+\])|[.+^${}()|\\[\]]/g,
    (special, escaped: string | undefined, set: string | undefined) => {
      if (escaped !== undefined) return escapeSpecial(escaped);
      if (set !== undefined) return set;
      if (special === '?') return '[^/]';
      if (special === '*') return '[^/]*';
      return special.startsWith('**') ? '.*' : escapeSpecial(special);
    },
  );
}

function literal(path: string): RegExp {
  return new RegExp(`^${escapeSpecial(path)}$`);
}

function escapeSpecial(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
