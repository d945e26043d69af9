import type { Token } from './tokens.js';
import { tokensOf } from './tokens.js';

/**
 * What a flake can see of its own source tree other than through paths: `whole`, its content; `revision`, also when
 * it was committed, and as what.
 */
export interface OwnTree {
  readonly whole: boolean;
  readonly revision: boolean;
}

const NOTHING: OwnTree = { whole: false, revision: false };
const EVERYTHING: OwnTree = { whole: true, revision: true };
const REVISION = new Set([
  ...['rev', 'shortRev', 'dirtyRev', 'dirtyShortRev', 'revCount', 'lastModified', 'lastModifiedDate'],
  ...['narHash', 'submodules', 'sourceInfo'],
]);

const isSymbol = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'symbol' && token.text === text;
const isWord = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'word' && token.text === text;

/** Where the braces that open at `at` are closed. */
function closing(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let index = at; index < tokens.length; index += 1) {
    if (isSymbol(tokens[index], '{') || isSymbol(tokens[index], '${')) depth += 1;
    if (isSymbol(tokens[index], '}')) depth -= 1;
    if (depth === 0) return index;
  }
  return tokens.length;
}

/**
 * The name that the function at `at` gives to all of its argument; '' if none; undefined if this is no function with
 * its formals.
 */
function argumentName(tokens: readonly Token[], at: number): string | undefined {
  const first = tokens[at];
  if (first?.kind === 'word') {
    if (isSymbol(tokens[at + 1], ':')) return first.text;
    if (!isSymbol(tokens[at + 1], '@') || !isSymbol(tokens[at + 2], '{')) return undefined;
    return isSymbol(tokens[closing(tokens, at + 2) + 1], ':') ? first.text : undefined;
  }
  if (!isSymbol(first, '{')) return undefined;
  const end = closing(tokens, at);
  if (isSymbol(tokens[end + 1], ':')) return '';
  const name = tokens[end + 2];
  return isSymbol(tokens[end + 1], '@') && name?.kind === 'word' && isSymbol(tokens[end + 3], ':')
    ? name.text
    : undefined;
}

/** Where the function `outputs` of a flake.nix begins. */
function outputsAt(tokens: readonly Token[]): number | undefined {
  let depth = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.kind === 'symbol' && ['{', '${', '(', '['].includes(token.text)) depth += 1;
    if (token?.kind === 'symbol' && ['}', ')', ']'].includes(token.text)) depth -= 1;
    if (
      depth === 1 &&
      isWord(token, 'outputs') &&
      isSymbol(tokens[at + 1], '=') &&
      !isSymbol(tokens[at - 1], '.')
    )
      return at + 2;
  }
  return undefined;
}

/** What is taken of a set, whose name is from `first` to `at`. */
function taken(tokens: readonly Token[], at: number, first = at): string[] | 'definition' | 'all' {
  const [before, next, after] = [tokens[first - 1], tokens[at + 1], tokens[at + 2]];
  // A text with the set in it has its path.
  if (isSymbol(before, '${') && isSymbol(next, '}')) return ['outPath'];
  if (isSymbol(next, '.')) return after?.kind === 'word' ? [after.text] : 'all';
  if (isSymbol(next, ':') || isSymbol(next, '=') || isSymbol(next, '@')) return 'definition';
  const formal = isSymbol(before, '{') || isSymbol(before, ',');
  if (formal && [',', '}', '?'].some((text) => isSymbol(next, text))) return 'definition';
  if (!isSymbol(before, '(') || !isWord(tokens[at - 2], 'inherit') || !isSymbol(next, ')')) return 'all';
  const names: string[] = [];
  for (let index = at + 2; !isSymbol(tokens[index], ';'); index += 1) {
    const token = tokens[index];
    if (token?.kind !== 'word') return 'all';
    names.push(token.text);
  }
  return names;
}

/**
 * How the text of a flake.nix uses its own tree. A flake gets hold of it by the arguments of `outputs` only: as
 * `self`, or in the set of all its inputs. Attributes of `self` are its own outputs, except those that tell of its
 * source; `self` or all inputs handed on can be used for anything.
 */
export function ownTreeOf(text: string): OwnTree {
  const { tokens, broken } = tokensOf(text);
  const start = outputsAt(tokens);
  const all = start === undefined ? undefined : argumentName(tokens, start);
  if (broken || all === undefined) return EVERYTHING;
  let found = NOTHING;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.kind !== 'word') continue;
    const selected = isSymbol(tokens[at - 1], '.');
    const ofAll = selected && isWord(tokens[at - 2], all);
    if (token.text === all && !selected) {
      const names = taken(tokens, at);
      if (names === 'all') return EVERYTHING;
      // `inputs.self` is looked at where `self` is; `inherit (inputs) self` names it.
      if (names !== 'definition' && names.includes('self') && !isSymbol(tokens[at + 1], '.'))
        return EVERYTHING;
    } else if (token.text === 'self' && (!selected || ofAll)) {
      const names = taken(tokens, at, ofAll ? at - 2 : at);
      if (names === 'all' || (ofAll && names === 'definition')) return EVERYTHING;
      if (names === 'definition') continue;
      if (names.some((name) => REVISION.has(name))) return EVERYTHING;
      if (names.includes('outPath')) found = { ...found, whole: true };
    }
  }
  return found;
}
