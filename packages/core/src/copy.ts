import { cp } from 'node:fs/promises';
import type { Environment } from './backend.js';
import { CompanionError } from './errors.js';
import type { MountTable } from './paths.js';

/** Copies a file, or a directory with all it holds, to the path given; directories are merged into existing ones. */
export async function copyBetween(
  direction: 'in' | 'out',
  environment: Environment,
  mountTable: MountTable,
  paths: { readonly hostPath: string; readonly companionPath: string },
): Promise<void> {
  const { hostPath, companionPath } = paths;
  const method = direction === 'in' ? environment.copyIn : environment.copyOut;
  if (method !== undefined) {
    const [from, to] = direction === 'in' ? [hostPath, companionPath] : [companionPath, hostPath];
    await method.call(environment, from, to);
    return;
  }
  // A shared filesystem. Only what is mounted may be written by a companion path: `/etc` would be the host's.
  const inside = mountTable.mountedHostPath(companionPath);
  if (inside === undefined) {
    throw new CompanionError(
      'COMPANION_PATH_NOT_MAPPED',
      `companion path ${companionPath} is not below a mount`,
      {
        hint: 'On a backend that shares the filesystem, files can only be copied below the workspace or a mount.',
      },
    );
  }
  const [from, to] = direction === 'in' ? [hostPath, inside] : [inside, hostPath];
  if (from === to) return;
  await cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}
