import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of a process whose id means nothing here, as in a container with the same `TMPDIR`, nobody can tell that it runs. */
const LEFT_AFTER_MS = 3600 * 1000;

/**
 * A name in the temporary directory for what lasts longer, and nothing there yet. Removed like the others when this
 * process has died with it, so somebody has to touch it now and then.
 */
export function temporaryPath(): string {
  return join(tmpdir(), `companion-nix-${process.pid}-${randomBytes(6).toString('hex')}`);
}

/**
 * Runs `work` with a directory that is removed afterwards: Nix leaves things in `TMPDIR`, and more when it is killed.
 * What killed processes have left is removed on the way.
 */
export async function inTemporaryDirectory<T>(
  env: Readonly<Record<string, string>>,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const parent = env.TMPDIR || tmpdir();
  const directory = await mkdtemp(join(parent, `companion-nix-${process.pid}-`));
  try {
    await removeLeftovers(parent);
    // Users that build for root have to get through; what they find there Nix protects itself.
    await chmod(directory, 0o711);
    return await work(directory);
  } finally {
    await remove(directory);
  }
}

async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const pid = /^companion-nix-(\d+)-\w{6,}$/.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const directory = join(parent, name);
    const stats = await stat(directory).catch(() => undefined);
    if (stats !== undefined && stats.mtimeMs < Date.now() - LEFT_AFTER_MS) await remove(directory);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function remove(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch {
    // A builder's directory that nobody may write; what belongs to another user stays, and is no reason to fail.
    await makeWritable(directory).catch(() => {});
    await rm(directory, { recursive: true, force: true }).catch(() => {});
  }
}

async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(join(directory, entry.name));
}
