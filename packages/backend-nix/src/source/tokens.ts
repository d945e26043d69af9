/**
 * A token of a Nix expression. A string or path that is `interpolated` is followed by the tokens of each `${ … }`
 * with its braces, a `rest` with the text up to the next one, and an `end`.
 */
export interface Token {
  readonly kind: 'word' | 'number' | 'uri' | 'search' | 'path' | 'string' | 'symbol' | 'rest' | 'end';
  /** As written; of strings, paths and rests: the text up to the next interpolation, without escapes. */
  readonly text: string;
  readonly interpolated: boolean;
}

/** What a file consists of. `broken`: it ends inside of something, or closes what was never opened. */
export interface Tokens {
  readonly tokens: readonly Token[];
  readonly broken: boolean;
}

// The rules of Nix's own lexer; of several that match the longest wins, then the first. So `a/b` is a path, and `a /
// b` a division.
const RULES: readonly (readonly [Token['kind'], RegExp])[] = [
  ['word', /[a-zA-Z_][a-zA-Z0-9_'-]*/y],
  ['number', /[0-9]+/y],
  ['number', /(?:[1-9][0-9]*\.[0-9]*|0?\.[0-9]+)(?:[Ee][+-]?[0-9]+)?/y],
  ['path', /~(?:\/[a-zA-Z0-9._+-]+)+\/?/y],
  ['path', /[a-zA-Z0-9._+-]*(?:\/[a-zA-Z0-9._+-]+)+\/?/y],
  ['path', /(?:[a-zA-Z0-9._+-]*|~)\/(?=\$\{)/y],
  ['search', /<[a-zA-Z0-9._+-]+(?:\/[a-zA-Z0-9._+-]+)*>/y],
  ['uri', /[a-zA-Z][a-zA-Z0-9+.-]*:[a-zA-Z0-9%/?:@&=+$,_.!~*'-]+/y],
  ['symbol', /\.\.\.|\+\+|\/\/|==|!=|<=|>=|&&|\|\||->|\|>|<\||\$\{|./suy],
];
const BLANK = /(?:[ \t\r\n]+|#[^\r\n]*|\/\*[\s\S]*?\*\/)*/y;
const PATH_PART = /[a-zA-Z0-9._+/-]+/y;
// Of strings in strings: more would not be Nix written by anyone, and costs this program's own stack.
const MAX_NESTING = 500;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function matchAt(rule: RegExp, text: string, at: number): number {
  rule.lastIndex = at;
  return rule.test(text) ? rule.lastIndex - at : 0;
}

/** Splits a Nix file as Nix's lexer does. Never throws. */
export function tokensOf(text: string): Tokens {
  const tokens: Token[] = [];
  let at = 0;
  let broken = false;
  let nesting = 0;

  const push = (kind: Token['kind'], value: string, interpolated = false): void => {
    tokens.push({ kind, text: value, interpolated });
  };

  /** Text up to the next interpolation, by `next`, which consumes and returns a piece, or nothing at the end. */
  const pieces = (kind: 'string' | 'path', start: string, next: () => string | undefined): void => {
    const first = tokens.length;
    let value = start;
    let found = false;
    for (;;) {
      if (text.startsWith('${', at)) {
        if (!found) tokens.splice(first, 0, { kind, text: value, interpolated: true });
        else push('rest', value);
        found = true;
        value = '';
        at += 2;
        push('symbol', '${');
        code(true);
        continue;
      }
      const piece = next();
      if (piece === undefined) break;
      value += piece;
    }
    push(found ? 'rest' : kind, value);
    // An error of Nix, of which versions differ in where the path ends.
    broken ||= kind === 'path' && value.endsWith('/');
    if (found) push('end', '');
  };

  const take = (length: number): string => {
    at += length;
    return text.slice(at - length, at);
  };

  const unescaped = (length: number): string => {
    const character = take(length).slice(-1);
    return ESCAPES[character] ?? character;
  };

  const quoted = (): string | undefined => {
    const character = text[at];
    if (character === undefined || character === '"') {
      broken ||= character === undefined;
      at += 1;
      return undefined;
    }
    if (character === '\\') return unescaped(2);
    // `$$` is two dollars, and what follows is no interpolation.
    return take(character === '$' && text[at + 1] === '$' ? 2 : 1);
  };

  const indented = (): string | undefined => {
    if (at >= text.length) {
      broken = true;
      return undefined;
    }
    if (text.startsWith("''", at)) {
      const marker = text[at + 2];
      if (marker === '$') return take(3).slice(2);
      if (marker === "'") return take(3).slice(1);
      if (marker === '\\') return unescaped(4);
      at += 2;
      return undefined;
    }
    return take(text.startsWith('$$', at) ? 2 : 1);
  };

  const inPath = (): string | undefined => {
    const length = matchAt(PATH_PART, text, at);
    return length > 0 ? take(length) : undefined;
  };

  /** Tokens up to the end, or to the brace that closes an interpolation. */
  function code(inside: boolean): void {
    let depth = 0;
    nesting += 1;
    if (nesting > MAX_NESTING) [broken, at] = [true, text.length];
    for (;;) {
      at += matchAt(BLANK, text, at);
      if (at >= text.length) {
        broken ||= inside || depth > 0;
        return;
      }
      if (text[at] === '"') {
        at += 1;
        pieces('string', '', quoted);
        continue;
      }
      if (text.startsWith("''", at)) {
        at += 2;
        pieces('string', '', indented);
        continue;
      }
      let kind: Token['kind'] = 'symbol';
      let length = 0;
      for (const [candidate, rule] of RULES) {
        const matched = matchAt(rule, text, at);
        if (matched > length) [kind, length] = [candidate, matched];
      }
      if (kind === 'path') {
        pieces('path', take(length), inPath);
        continue;
      }
      const value = take(length);
      push(kind, value);
      if (value === '{' || value === '${') depth += 1;
      if (value !== '}') continue;
      if (depth === 0 && inside) {
        nesting -= 1;
        return;
      }
      broken ||= depth === 0;
      depth = Math.max(0, depth - 1);
    }
  }

  code(false);
  return { tokens, broken };
}
