import { userInfo } from 'node:os';
import { CompanionError } from '@companion/core';
import type { EnvironmentRequest, User } from '@companion/core/backend';
import type { AccountRequest, Supervisor } from '@companion/supervisor';
import type { Engine } from '../engine/engine.js';
import type { Image } from '../image/image.js';

/** Who processes are inside. */
export interface Account extends User {
  readonly groups: readonly number[];
  readonly name: string;
  readonly home: string;
}

export interface AccountWish {
  readonly request: EnvironmentRequest;
  readonly engine: Engine;
  readonly image: Image;
}

/**
 * The user that processes run as, with a name and a home: without these git, ssh, npm and Python fail in odd ways. What
 * the image does not have for it is made, but for the image's own user, who is taken as the image has it. What could not be
 * made is told in notices.
 */
export async function openAccount(supervisor: Supervisor, wish: AccountWish): Promise<Account> {
  const account = await supervisor.account(accountRequest(wish)).catch((error: Error) => {
    if (wish.request.user !== 'image') throw error;
    const message = `the container could not be started: ${error.message} in ${wish.image.reference}`;
    const hint = "The image's USER must be in its /etc/passwd: mend the image, or leave out `user: 'image'`.";
    throw new CompanionError('COMPANION_START_FAILED', message, { hint, cause: error });
  });
  for (const message of account.problems) {
    wish.request.emit({ topic: 'environment', type: 'notice', message });
  }
  return account;
}

/** Whom to look for inside, and what is to be made for who is not there. */
export function accountRequest({ request, engine, image }: AccountWish): AccountRequest {
  const user = request.user === 'host' ? hostUser(engine) : request.user;
  if (user === undefined || user === 'image') return { user: image.user || '0:0' };
  const { uid, gid } = user;
  const name = uid === 0 ? 'root' : request.user === 'host' ? hostName() : 'companion';
  const home = uid === 0 ? '/root' : `/home/${name}`;
  return { user: `${uid}:${gid}`, name, home };
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
