import { userInfo } from 'node:os';
import type { EnvironmentRequest, User } from '@companion/core/backend';
import type { Supervisor } from '@companion/supervisor';
import type { Engine } from '../engine/engine.js';
import type { Image } from '../image/image.js';

/** Who processes are inside. */
export interface Account extends User {
  readonly groups: readonly number[];
  readonly name: string;
  readonly home: string;
}

/**
 * The user that processes run as, with a name and a home: without these git, ssh, npm and Python fail in odd ways. What
 * the image does not have for it is made, but for the image's own user, who is taken as the image has it.
 */
export async function openAccount(
  supervisor: Supervisor,
  { request, engine, image }: { request: EnvironmentRequest; engine: Engine; image: Image },
): Promise<Account> {
  const user = request.user === 'host' ? hostUser(engine) : request.user;
  if (user === undefined || user === 'image') return await supervisor.account({ user: image.user || '0:0' });
  const { uid, gid } = user;
  const name = uid === 0 ? 'root' : request.user === 'host' ? hostName() : 'companion';
  const home = uid === 0 ? '/root' : `/home/${name}`;
  return await supervisor.account({ user: `${uid}:${gid}`, name, home });
}

/** Of the caller, inside. Windows has no such ids: the virtual machine there gives all files to everybody. */
function hostUser({ rootless }: Engine): User | undefined {
  // Where the engine is not root's, its containers' root is the caller.
  if (rootless) return { uid: 0, gid: 0 };
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** The caller's name where it can stand in /etc/passwd. */
function hostName(): string {
  try {
    const { username } = userInfo();
    return /^[a-z_][a-z0-9_-]{0,31}$/.test(username) ? username : 'companion';
  } catch {
    // A user id without an entry of its own.
    return 'companion';
  }
}
