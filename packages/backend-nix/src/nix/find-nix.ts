import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

type Variables = Readonly<Record<string, string>>;

/** The `nix` of this machine. */
export interface NixProgram {
  readonly path: string;
  /** Changes with the program: another release gives another shell. */
  readonly identity: string;
}

/**
 * What Nix itself runs with: all of this process's variables, whatever the companion's own processes may take. Not the
 * repository in whose hook this may be running: some releases would take it for the flake's.
 */
export function nixVariables(): Variables {
  const { GIT_DIR: _directory, GIT_WORK_TREE: _tree, ...env } = process.env;
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** On `PATH`, else where installers put it: a program started from a desktop has not read the shell's profile. */
export function findNix(env: Variables): NixProgram | undefined {
  if (process.platform === 'win32') return undefined;
  for (const directory of [...(env.PATH ?? '').split(delimiter), ...usualPlaces(env)]) {
    const path = join(directory, 'nix');
    if (!isAbsolute(directory) || !isProgram(path)) continue;
    const real = realpathSync(path);
    const { size, mtimeMs } = statSync(real);
    return { path, identity: `${real} ${size} ${mtimeMs}` };
  }
  return undefined;
}

function* usualPlaces(env: Variables): Generator<string> {
  const home = env.HOME ?? homedir();
  yield '/nix/var/nix/profiles/default/bin';
  yield join(home, '.nix-profile/bin');
  yield join(env.XDG_STATE_HOME ?? join(home, '.local/state'), 'nix/profile/bin');
  yield `/etc/profiles/per-user/${env.USER ?? userInfo().username}/bin`;
  yield '/run/current-system/sw/bin';
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
