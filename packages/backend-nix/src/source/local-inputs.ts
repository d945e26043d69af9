import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Token } from './tokens.js';
import { tokensOf } from './tokens.js';

/** A source on this machine. `files`: all of a directory. `git`: what is tracked there. `either`: as Nix finds it. */
export interface LocalSource {
  readonly kind: 'files' | 'git' | 'either';
  readonly path: string;
}

/** What a lock file says of sources on this machine. */
export interface LocalInputs {
  readonly sources: readonly LocalSource[];
  /** An input is given this flake itself, and can do with it what it likes. */
  readonly handsOnItself: boolean;
}

interface Reference {
  readonly type?: unknown;
  readonly path?: unknown;
  readonly url?: unknown;
  readonly rev?: unknown;
}
interface LockNode {
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly locked?: Reference;
  readonly original?: Reference;
  readonly parent?: readonly string[];
}
interface Lock {
  readonly nodes?: Readonly<Record<string, LockNode>>;
  readonly root?: string;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The source that a reference names if it is one of this machine; relative ones are in `directory`. */
export function localSource(reference: string, directory: string): LocalSource | undefined {
  const [, scheme, rest = ''] = reference.match(/^(?:([a-z+]+):)?([^?#]*)/) ?? [];
  const plain = scheme === undefined ? rest : decoded(rest);
  const path = resolve(directory, plain.replace(/^\/\/(?=\/)/, '').replace(/^~(?=\/|$)/, homedir()));
  if (scheme === undefined)
    return /^(?:[/~]|\.\.?(?:\/|$))/.test(rest) ? { kind: 'either', path } : undefined;
  if (scheme === 'git+file') return { kind: 'git', path };
  return /^(?:path|(?:(?:file|tarball|hg)\+)?file)$/.test(scheme) ? { kind: 'files', path } : undefined;
}

function parsed(text: string | undefined): Lock {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Nix refuses it; it is watched like any file.
    return {};
  }
}

function directoryOf(lock: Lock, node: LockNode, directory: string): string | undefined {
  let at = node;
  let steps = 0;
  let path = '.';
  for (;;) {
    const own = at.locked?.path;
    if (typeof own !== 'string') return undefined;
    path = join(own, path);
    if (own.startsWith('/')) return path;
    if ((at.parent ?? []).length === 0) return resolve(directory, path);
    let name: unknown = lock.root ?? 'root';
    for (const input of at.parent ?? [])
      name = typeof name === 'string' ? lock.nodes?.[name]?.inputs?.[input] : undefined;
    const parent = typeof name === 'string' ? lock.nodes?.[name] : undefined;
    steps += 1;
    if (parent === undefined || steps > 100) return undefined;
    at = parent;
  }
}

const isSymbol = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'symbol' && token.text === text;

/** The references that a flake.nix writes down for its inputs. */
function references(flake: string): string[] {
  const { tokens } = tokensOf(flake);
  // `path` is the name of many things, and of a source only next to its type.
  const names = tokens.some((token) => token.kind === 'word' && token.text === 'type')
    ? ['url', 'path']
    : ['url'];
  return tokens.flatMap((token, at) => {
    const name = tokens[at - 2];
    const named = isSymbol(tokens[at - 1], '=') && name?.kind === 'word' && names.includes(name.text);
    return named && (token.kind === 'string' || token.kind === 'uri') && !token.interpolated
      ? [token.text]
      : [];
  });
}

/**
 * The inputs of a flake that are on this machine: those of its lock file, except where a commit fixes their content,
 * and those that flake.nix names and no lock covers, as Nix looks at them again in every evaluation.
 */
export function localInputs(lockFile: string | undefined, flake: string, directory: string): LocalInputs {
  const lock = parsed(lockFile);
  const sources: LocalSource[] = [];
  const fixed = new Set<unknown>();
  let handsOnItself = false;
  for (const [name, node] of Object.entries(lock.nodes ?? {})) {
    const { locked, original } = node;
    if (name !== lock.root) {
      handsOnItself ||= Object.values(node.inputs ?? {}).some(
        (input) => Array.isArray(input) && input.length === 0,
      );
    }
    if (locked?.rev !== undefined) fixed.add(original?.url);
    else if (locked?.type === 'path') {
      const path = directoryOf(lock, node, directory);
      if (path !== undefined) sources.push({ kind: 'files', path });
    } else if (locked?.type === 'git' && typeof locked.url === 'string') {
      const source = localSource(locked.url, directory);
      if (source !== undefined) sources.push({ kind: 'git', path: source.path });
    }
  }
  for (const reference of references(flake)) {
    const bare = reference.replace(/^git\+/, '');
    const source = localSource(reference, directory);
    if (source === undefined || fixed.has(reference) || fixed.has(bare)) continue;
    if (!sources.some(({ path }) => path === source.path)) sources.push(source);
  }
  return { sources, handsOnItself };
}
