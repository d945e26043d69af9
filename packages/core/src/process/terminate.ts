import type { BackendProcess } from '../backend.js';

/** Between TERM and KILL. */
export const DEFAULT_KILL_GRACE_MS = 3000;
const POLL_MS = 25;

/**
 * TERM to the whole tree, `graceMs` for it to end, then KILL. Resolves once the process has ended and nothing of its
 * tree is left.
 */
export async function terminate(
  target: BackendProcess,
  ended: Promise<unknown>,
  graceMs: number,
): Promise<void> {
  if (graceMs > 0) {
    const deadline = Date.now() + graceMs;
    await target.kill('SIGTERM', 'tree');
    // Descendants get the rest of the grace, where the backend can see them.
    if (await settlesWithin(ended, graceMs)) {
      const gone = await noDescendants(target, () => true, deadline);
      if (gone) return;
    }
  }
  await target.kill('SIGKILL', 'tree');
  await settled(ended);
}

/** For a process that nobody has seen yet. */
export async function killNow(target: BackendProcess): Promise<void> {
  await target.kill('SIGKILL', 'tree');
  await settled(target.exited);
  for (const stream of [target.stdin, target.stdout, target.stderr]) stream?.destroy();
}

/** Resolves once no descendant of that name is left. */
export async function descendantsNamed(target: BackendProcess, name: string): Promise<void> {
  await noDescendants(target, (descendant) => descendant.name === name, Number.POSITIVE_INFINITY);
}

/** False where some are left at the deadline, or the backend cannot see them. */
async function noDescendants(
  target: BackendProcess,
  counts: (descendant: { readonly name: string }) => boolean,
  deadline: number,
): Promise<boolean> {
  if (target.descendants === undefined) return false;
  while ((await target.descendants()).some(counts)) {
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) return false;
    // No engine and no kernel reports the end of a process that is not one's own child.
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, leftMs)));
  }
  return true;
}

/** True if the promise settles (either way) in time. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([settled(promise), late]);
  } finally {
    clearTimeout(timer);
  }
}

function settled(promise: Promise<unknown>): Promise<true> {
  return promise.then(
    () => true as const,
    () => true as const,
  );
}
