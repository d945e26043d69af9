import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const HEARTBEAT_MS = 1000;
/** Without a heartbeat for so long, the holder is taken for dead also where its process id says nothing. */
const DEAD_AFTER_MS = 15_000;
const LOOK_AGAIN_MS = 25;

/**
 * Holds a lock file among all processes that share the directory, until the returned function is called. Whoever dies
 * with it loses it. It saves work and guards no data: that two hold it once in a blue moon does no harm.
 *
 * Rejects with the signal's reason, and with the system's error where the directory cannot be written.
 */
export async function holdLock(path: string, signal: AbortSignal | undefined): Promise<() => void> {
  // Made under another name and linked: a lock never exists without the name of its holder.
  const token = randomBytes(6).toString('hex');
  const own = `${path}-${token}`;
  const content = `${process.pid} ${hostname()} ${token}`;
  writeFileSync(own, content);
  try {
    while (!link(own, path)) {
      if (holderIsDead(path)) removeDead(path, own);
      else await delay(LOOK_AGAIN_MS, undefined, { signal });
    }
  } finally {
    rmSync(own, { force: true });
  }
  // Another's, when this one was taken for dead.
  const isOurs = () => contentOf(path) === content;
  const heartbeat = setInterval(() => isOurs() && touch(path), HEARTBEAT_MS).unref();
  return () => {
    clearInterval(heartbeat);
    if (isOurs()) rmSync(path, { force: true });
  };
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function holderIsDead(path: string): boolean {
  const beatAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  const [pid, host] = (contentOf(path) ?? '').split(' ');
  // Given back meanwhile.
  if (beatAt === undefined || host === undefined) return false;
  return Date.now() - beatAt > DEAD_AFTER_MS || (host === hostname() && !isAlive(Number(pid)));
}

/** Of several that find the same dead holder one wins; a lock that was taken meanwhile is put back. */
function removeDead(path: string, own: string): void {
  const moved = `${own}-dead`;
  try {
    renameSync(path, moved);
  } catch {
    return;
  }
  try {
    if (!holderIsDead(moved)) link(moved, path);
  } finally {
    rmSync(moved, { force: true });
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // The directory is gone, and the lock with it.
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
