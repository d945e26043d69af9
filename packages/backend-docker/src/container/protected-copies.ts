import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { EnvironmentRequest, Mount, User } from '@companion/core/backend';
import type { Engine } from '../engine/engine.js';
import type { Image } from '../image/image.js';
import { labelsOf } from '../leftovers/labels.js';
import { accountRequest } from './account.js';
import { Copies } from './copies.js';
import { removeContainer } from './remove-container.js';

export interface ProtectedCopiesWish {
  readonly request: EnvironmentRequest;
  readonly engine: Engine;
  readonly image: Image;
}

/** Volumes of a container that is never started; to be closed once another one has them. */
export interface ProtectedCopies {
  /** As `HostConfig.VolumesFrom` takes it. */
  readonly volumesFrom: readonly string[];
  /** Leaves nothing of what nobody has mounted. */
  close(): Promise<void>;
}

/** For an engine on another machine: only a directory can be a volume. */
export async function canBeCopied({ hostPath, readOnly }: Mount): Promise<boolean> {
  return !readOnly || (await stat(hostPath).catch(() => undefined))?.isDirectory() !== false;
}

/**
 * Copies of the read-only mounts for an engine that does not see this machine's files, in volumes: modes of files would not
 * stop root. The engine removes them with the last container that has them.
 */
export async function protectedCopies(wish: ProtectedCopiesWish): Promise<ProtectedCopies | undefined> {
  const { request, engine, image } = wish;
  const mounts = request.mounts.filter(({ readOnly }) => readOnly);
  if (mounts.length === 0) return undefined;
  const holder = await engine.docker.createContainer({
    name: `companion-${request.name}-volumes-${randomBytes(6).toString('hex')}`,
    Image: image.id,
    Entrypoint: ['never-started'],
    Cmd: [],
    // Swept like any that its maker has left before it was started.
    Labels: labelsOf({ ...request, reuse: false }),
    HostConfig: {
      NetworkMode: 'none',
      Mounts: mounts.map(({ companionPath }) => ({
        Type: 'volume',
        Source: '',
        Target: companionPath,
        VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: '', Options: {} } },
      })),
    },
  });
  const close = async (): Promise<void> => await removeContainer(engine, holder);
  try {
    const copies = new Copies(holder, ownerOf(wish));
    for (const { hostPath, companionPath } of mounts) await copies.copyIn(hostPath, companionPath);
    return { volumesFrom: [`${holder.id}:ro`], close };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

/** Whose the copies are; root's where only the image knows which user a name is. */
function ownerOf(wish: ProtectedCopiesWish): User {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(accountRequest(wish).user) ?? [];
  return uid === undefined || gid === undefined ? { uid: 0, gid: 0 } : { uid: Number(uid), gid: Number(gid) };
}
