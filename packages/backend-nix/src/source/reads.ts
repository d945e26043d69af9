import type { Token } from './tokens.js';
import { tokensOf } from './tokens.js';

/**
 * A path that a file names, and what becomes of its value: `import` evaluates it, `read` reads it, `copy` copies it
 * by its content, `attribute` leaves it to whoever takes the attribute of that name, and of `unknown` anything may
 * become.
 */
export interface Literal {
  readonly text: string;
  readonly use: 'import' | 'read' | 'copy' | 'attribute' | 'unknown';
  readonly attribute?: string;
}

/** What the evaluation of one file can read, as far as its text tells. */
export interface Reads {
  readonly literals: readonly Literal[];
  /** The beginnings of paths that go on with an interpolation. */
  readonly beginnings: readonly string[];
  /** Names in `<…>`. */
  readonly searches: readonly string[];
  /** Variables asked for by name; `undefined`: any. */
  readonly variables: readonly string[] | undefined;
  /** Every word that is not the name of something defined here. */
  readonly words: ReadonlySet<string>;
  /** What may read more than the text tells, in words. */
  readonly doubts: readonly string[];
}

const KEYWORDS = new Set(['if', 'then', 'else', 'assert', 'with', 'let', 'in', 'rec', 'inherit']);
// Those are given to a function, as a rule.
const IMPORTERS_OF_OTHERS = new Set(['callPackage', 'callPackages']);
const IMPORTERS = new Set(['import', ...IMPORTERS_OF_OTHERS]);
const BUILTINS = new Set(['import', 'readFile', 'readDir', 'readFileType', 'pathExists']);
const READERS = new Set([
  ...['readFile', 'readDir', 'readFileType', 'pathExists', 'importJSON', 'importTOML', 'fileContents'],
  'fromRustupToolchainFile',
]);
// Of nixpkgs and others, and taken there for a file to copy, to read or to evaluate.
const ATTRIBUTES = new Set([
  ...['src', 'patches', 'imports', 'modules', 'lockFile', 'packageJSON', 'packageLock', 'yarnLock'],
  ...['gemfile', 'lockfile', 'gemset', 'pyproject', 'poetrylock'],
]);
// Where an expression stands in its file, and with that the store path of the whole tree.
const POSITIONS = new Set(['curPos', 'unsafeGetAttrPos', 'toPath']);

const isSymbol = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'symbol' && token.text === text;
const isName = (token: Token | undefined): token is Token =>
  token?.kind === 'word' && !KEYWORDS.has(token.text);
/** Whether an operand ends here, so that what follows is one more argument, or one more element of a list. */
const endsOperand = (token: Token | undefined): boolean =>
  token !== undefined &&
  (token.kind === 'symbol' ? [')', ']', '}'].includes(token.text) : token.kind !== 'word' || isName(token));

/** Every builtin has a second name with two underscores before it. */
const plain = (word: string): string => word.replace(/^__/, '');

/** The bracket that encloses the token at `at`. */
function enclosing(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let index = at - 1; index >= 0; index -= 1) {
    const token = tokens[index];
    if (token?.kind !== 'symbol') continue;
    if ([')', ']', '}'].includes(token.text)) depth += 1;
    else if (['(', '[', '{', '${'].includes(token.text)) depth -= 1;
    if (depth < 0) return index;
  }
  return -1;
}

/**
 * Whether the function of this name is what it is elsewhere when it is taken from the set `of`: nixpkgs' lib has the
 * builtins, too.
 */
const isFrom = (of: string, name: string): boolean =>
  of === 'builtins' || (of === 'lib' && name !== 'import') || !BUILTINS.has(name);

/** The function at `at`, the last token of `builtins.readFile`, where it is the whole function of an application. */
function functionAt(tokens: readonly Token[], at: number): string | undefined {
  let first = at;
  while (isSymbol(tokens[first - 1], '.') && isName(tokens[first - 2])) first -= 2;
  const before = tokens[first - 1];
  // `f import ./x` and `[ import ./x ]` import nothing.
  if (endsOperand(before) || isSymbol(before, '.') || isSymbol(before, '[')) return undefined;
  const name = plain(tokens[at]?.text ?? '');
  const of = at === first ? undefined : tokens[at - 2]?.text;
  return of === undefined || isFrom(of, name) ? name : undefined;
}

function attributeAt(tokens: readonly Token[], start: number, end: number): string | undefined {
  let equals = start - 1;
  if (isSymbol(tokens[enclosing(tokens, start)], '[')) equals = enclosing(tokens, start) - 1;
  else if (!isSymbol(tokens[end + 1], ';')) return undefined;
  const name = tokens[equals - 1];
  return isSymbol(tokens[equals], '=') && isName(name) && ATTRIBUTES.has(name.text) ? name.text : undefined;
}

function literalAt(tokens: readonly Token[], at: number): Literal {
  let text = tokens[at]?.text ?? '';
  let [start, end] = [at, at];
  const added = tokens[at + 2];
  // (./. + "/x.nix"), as written where a path had no interpolation
  if (
    isSymbol(tokens[at - 1], '(') &&
    isSymbol(tokens[at + 1], '+') &&
    added?.kind === 'string' &&
    !added.interpolated &&
    added.text.startsWith('/') &&
    isSymbol(tokens[at + 3], ')')
  ) {
    text += added.text;
    [start, end] = [at - 1, at + 3];
  }
  while (isSymbol(tokens[start - 1], '(') && isSymbol(tokens[end + 1], ')'))
    [start, end] = [start - 1, end + 1];
  const before = tokens[start - 1];
  if (isSymbol(before, '${') && isSymbol(tokens[end + 1], '}')) return { text, use: 'copy' };
  if (isName(before)) {
    const name = functionAt(tokens, start - 1);
    if (name !== undefined && IMPORTERS.has(name)) return { text, use: 'import' };
    if (name !== undefined && READERS.has(name)) return { text, use: 'read' };
    if (!isSymbol(tokens[enclosing(tokens, start)], '[')) return { text, use: 'unknown' };
  }
  const attribute = attributeAt(tokens, start, end);
  return attribute === undefined ? { text, use: 'unknown' } : { text, use: 'attribute', attribute };
}

/**
 * Whether the word at `at` is given a meaning of its own here: `import = …`, `import: …`, and for a builtin also `{
 * import, … }:`.
 */
function isDefined(tokens: readonly Token[], at: number): boolean {
  const [before, next] = [tokens[at - 1], tokens[at + 1]];
  if (isSymbol(before, '.')) return false;
  if (['=', ':', '@'].some((text) => isSymbol(next, text))) return true;
  const formal = isSymbol(before, '{') || isSymbol(before, ',');
  return (
    !IMPORTERS_OF_OTHERS.has(tokens[at]?.text ?? '') &&
    formal &&
    [',', '?', '}'].some((text) => isSymbol(next, text))
  );
}

/** The builtins that an `inherit (…)` at `at` gives another meaning. */
function inherited(tokens: readonly Token[], at: number): string[] {
  if (!isSymbol(tokens[at + 1], '(')) return [];
  let close = at + 1;
  for (let depth = 0; close < tokens.length; close += 1) {
    if (isSymbol(tokens[close], '(')) depth += 1;
    if (isSymbol(tokens[close], ')')) depth -= 1;
    if (depth === 0) break;
  }
  const of = tokens[close - 1]?.kind === 'word' ? (tokens[close - 1]?.text ?? '') : '';
  const end = tokens.findIndex((token, index) => index > close && isSymbol(token, ';'));
  const names = tokens.slice(close + 1, end === -1 ? undefined : end).map(({ text }) => plain(text));
  return names.filter((name) => BUILTINS.has(name) && !isFrom(of, name));
}

/** Reads the text of a Nix file; what it does not understand becomes a doubt. */
export function readsOf(text: string): Reads {
  const { tokens, broken } = tokensOf(text);
  const literals: Literal[] = [];
  const beginnings: string[] = [];
  const searches: string[] = [];
  const words = new Set<string>();
  const doubts: string[] = broken ? ['a file that is no whole expression'] : [];
  let variables: string[] | undefined = [];

  tokens.forEach((token, at) => {
    if (token.kind === 'search') searches.push(token.text.slice(1, -1));
    if (token.kind === 'uri' && /:(?:\.|~|\/(?!\/))/.test(token.text)) doubts.push('a path after a colon');
    if (token.kind === 'path' && token.interpolated) beginnings.push(token.text);
    if (token.kind === 'path' && !token.interpolated) literals.push(literalAt(tokens, at));
    const next = tokens[at + 1];
    const selected = isSymbol(tokens[at - 1], '.');
    if (selected && (isSymbol(token, '${') || token.interpolated)) {
      // An attribute by a name that is put together can be any.
      words.add('${');
      if (tokens[at - 2]?.text === 'builtins') doubts.push('a builtin of any name');
      if (tokens[at - 2]?.text === 'builtins') variables = undefined;
    }
    if (token.kind === 'word' && token.text === 'inherit') {
      for (const name of inherited(tokens, at)) doubts.push(`a meaning of its own for \`${name}\``);
    }
    if (token.kind !== 'word' && (token.kind !== 'string' || token.interpolated)) return;
    // A text can be a name, too.
    const word = plain(token.text);
    if (!isSymbol(next, '=')) words.add(word);
    if (token.kind === 'string' && !selected && !isSymbol(next, '=')) return;
    if (POSITIONS.has(word)) doubts.push(`\`${token.text}\``);
    if ((IMPORTERS.has(word) || READERS.has(word)) && isDefined(tokens, at))
      doubts.push(`a meaning of its own for \`${word}\``);
    if (word === 'getEnv') {
      if (next?.kind === 'string' && !next.interpolated) variables?.push(next.text);
      else variables = undefined;
    }
  });
  return { literals, beginnings, searches, variables, words, doubts };
}
