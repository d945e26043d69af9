import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, extname, isAbsolute, join, resolve } from 'node:path';

const isWindows = process.platform === 'win32';
/** Where execvp(3) of musl and the supervisor look when PATH is unset; glibc leaves the first one out. */
const DEFAULT_PATH = isWindows ? '' : '/usr/local/bin:/usr/bin:/bin';
const DEFAULT_PATHEXT = '.COM;.EXE;.BAT;.CMD';

export type Resolved =
  | { readonly is: 'program'; readonly path: string }
  /** Something of that name is there, and it cannot be run. */
  | { readonly is: 'not-executable'; readonly path: string }
  | { readonly is: 'missing' };

/** What a command of that name runs, looked up in the command's own `PATH` and directory. */
export function resolveBinary(
  file: string,
  at: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): Resolved {
  const isPath = file.includes('/') || (isWindows && (file.includes('\\') || isAbsolute(file)));
  const directories = isPath
    ? [at.cwd]
    : (variable(at.env, 'PATH') ?? DEFAULT_PATH).split(delimiter).map((entry) => resolve(at.cwd, entry));
  let blocked: string | undefined;
  for (const directory of directories) {
    for (const extension of extensions(file, at.env)) {
      const path = isPath ? resolve(directory, file + extension) : join(directory, file + extension);
      const kind = kindOf(path, isPath);
      if (kind === 'program') return { is: 'program', path };
      if (kind === 'not-executable') blocked ??= path;
    }
  }
  return blocked === undefined ? { is: 'missing' } : { is: 'not-executable', path: blocked };
}

function kindOf(path: string, isPath: boolean): Resolved['is'] {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return 'missing';
    if (!stats.isFile()) return 'not-executable';
  } catch (error) {
    // Of a directory on PATH that cannot be searched nobody knows whether it has the program: shells pass it over.
    return isPath && (error as NodeJS.ErrnoException).code === 'EACCES' ? 'not-executable' : 'missing';
  }
  try {
    accessSync(path, constants.X_OK);
    return 'program';
  } catch {
    return 'not-executable';
  }
}

/** On Windows a name without an extension stands for any of PATHEXT. */
function extensions(file: string, env: Readonly<Record<string, string>>): readonly string[] {
  if (!isWindows) return [''];
  const known = (variable(env, 'PATHEXT') ?? DEFAULT_PATHEXT)
    .split(';')
    .filter((extension) => extension !== '');
  return extname(file) === '' ? known : ['', ...known];
}

function variable(env: Readonly<Record<string, string>>, name: string): string | undefined {
  if (!isWindows) return env[name];
  const key = Object.keys(env).find((candidate) => candidate.toUpperCase() === name);
  return key === undefined ? undefined : env[key];
}
