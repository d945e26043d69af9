import { lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Far longer than anything is there while a container starts: what is older was left by a process that was killed. */
const STALE_MS = 60_000;

/**
 * Where sockets and files appear for the moment in which a container is started: a directory of this user's alone, always the same
 * one, so that nothing new is left behind by whoever is killed meanwhile. `undefined` where there is no safe one: a
 * session stays on the stream that it has.
 */
export async function socketDirectory(): Promise<string | undefined> {
  const uid = process.getuid?.();
  if (process.platform !== 'linux' || uid === undefined) return undefined;
  const directory = join(await ownDirectory(), 'companion', 'sockets');
  try {
    await mkdir(directory, { mode: 0o700, recursive: true });
    const found = await lstat(directory);
    // Somebody else may have made it first.
    if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) return undefined;
    await removeStale(directory);
    return directory;
  } catch {
    return undefined;
  }
}

/** As in the XDG Base Directory Specification. */
async function ownDirectory(): Promise<string> {
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && (await isDirectory(runtime))) return runtime;
  return process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function removeStale(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < STALE_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
