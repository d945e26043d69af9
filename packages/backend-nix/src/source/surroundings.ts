import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { digest } from './mark.js';

type Variables = Readonly<Record<string, string>>;

/** Values of variables, as a digest: they can be secrets. */
export interface WatchedVariables {
  /** A name that ends with `*` stands for all that begin so. */
  readonly names: readonly string[];
  readonly digest: string;
}

// They move Nix's store and settings, or say what git tracks.
const ALWAYS = [
  ...[
    'NIX_CONFIG',
    'NIX_CONF_DIR',
    'NIX_USER_CONF_FILES',
    'NIX_REMOTE',
    'NIX_DAEMON_SOCKET_PATH',
    'NIX_STORE',
    'NIX_STORE_DIR',
  ],
  ...[
    'NIX_STATE_DIR',
    'NIX_LOCALSTATE_DIR',
    'NIX_DATA_DIR',
    'NIX_ABORT_ON_WARN',
    'NIX_IGNORE_SYMLINK_STORE',
    'GIT_INDEX_FILE',
  ],
  ...['HOME', 'XDG_CONFIG_HOME', 'XDG_CONFIG_DIRS', 'XDG_DATA_HOME'],
];
// Besides what the expression itself names: what nixpkgs asks for.
const IMPURE = ['NIX_PATH', 'NIXPKGS_*', 'IN_NIX_SHELL'];

/** The names of variables that count: those that Nix heeds, and `asked`, by the expression; undefined: all of them. */
export function variableNames(impure: boolean, asked: readonly string[] | undefined): readonly string[] {
  if (!impure) return ALWAYS;
  return asked === undefined ? ['*'] : [...new Set([...ALWAYS, ...IMPURE, ...asked])];
}

/** The values that these variables have now. */
export function watchedVariables(names: readonly string[], env: Variables): WatchedVariables {
  const starts = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  const whole = new Set(names);
  const values = Object.keys(env)
    .filter((name) => whole.has(name) || starts.some((start) => name.startsWith(start)))
    .sort()
    .map((name) => `${name}=${env[name]}`);
  return { names, digest: digest(values.join('\0')) };
}

const list = (value: string | undefined, otherwise: string): string[] =>
  (value || otherwise).split(':').filter(Boolean);

/** Files that a nix.conf includes, where it is. */
function included(file: string, text: string): string[] {
  return [...text.matchAll(/^[ \t]*!?include[ \t]+(\S+)/gm)].map((match) =>
    resolve(dirname(file), match[1] ?? ''),
  );
}

/** The files of settings and registries that Nix reads, whether or not they are there. */
export function settingsFiles(env: Variables): readonly string[] {
  const home = env.HOME || homedir();
  const system = env.NIX_CONF_DIR || '/etc/nix';
  const user = env.XDG_CONFIG_HOME || join(home, '.config');
  const folders = [user, ...list(env.XDG_CONFIG_DIRS, '/etc/xdg')];
  const own = folders.map((folder) => join(folder, 'nix', 'nix.conf'));
  const pending = [join(system, 'nix.conf'), ...list(env.NIX_USER_CONF_FILES, own.join(':'))];
  pending.push(...included('/', env.NIX_CONFIG ?? ''));
  const data = join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'nix');
  // The last one says which settings of a flake the user has agreed to.
  const files = new Set([
    join(system, 'registry.json'),
    join(user, 'nix', 'registry.json'),
    join(data, 'trusted-settings.json'),
  ]);
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    try {
      pending.push(...included(file, readFileSync(file, 'utf8')));
    } catch {
      // not there: watched all the same
    }
  }
  return [...files];
}

/** What an evaluation that is not pure reads of the user's own settings of nixpkgs: files and directories. */
export function nixpkgsSettings(env: Variables): readonly string[] {
  const home = env.HOME || homedir();
  const folders = [
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'nixpkgs'),
    join(home, '.config', 'nixpkgs'),
    join(home, '.nixpkgs'),
  ];
  return [...new Set([...folders, ...list(env.NIXPKGS_CONFIG, '')])];
}

/** The local paths that `<name>` can stand for, by NIX_PATH or Nix's own entries; without a name: all that have one. */
export function searched(name: string | undefined, env: Variables): readonly string[] {
  const home = env.HOME || homedir();
  const channels = join(env.NIX_STATE_DIR || '/nix/var/nix', 'profiles', 'per-user', 'root', 'channels');
  const own = [
    ...[join(home, '.nix-defexpr', 'channels'), join(home, '.local', 'state', 'nix', 'defexpr', 'channels')],
    ...[`nixpkgs=${join(channels, 'nixpkgs')}`, channels],
  ];
  return (env.NIX_PATH?.split(':') ?? own).flatMap((entry) => {
    const [, prefix, path = ''] = entry.match(/^(?:([^=]*)=)?(.*)$/s) ?? [];
    // What follows the colon of a URL begins with two slashes.
    if (!/^[/.~]/.test(path) || path.startsWith('//')) return [];
    const directory = resolve(path.replace(/^~(?=\/|$)/, home));
    if (name === undefined) return prefix === undefined ? [] : [directory];
    if (prefix === undefined || prefix === '') return [join(directory, name.split('/')[0] ?? '')];
    return name === prefix || name.startsWith(`${prefix}/`) ? [directory] : [];
  });
}
