import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** What a command of that name runs, looked up in the command's own `PATH` and directory; `null` when nothing. */
export function findProgram(file, { env, cwd }) {
  const folders = file.includes('/') ? [''] : (env.PATH ?? '/bin:/usr/bin').split(delimiter);
  const paths = folders.map((folder) => resolve(cwd, folder, file)).filter((path) => existsSync(path));
  const path = paths.find(isExecutable);
  if (path !== undefined) return { path, executable: true };
  return paths[0] === undefined ? null : { path: paths[0], executable: false };
}

export function isDirectory(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
