import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { User } from '@companion/core/backend';
import type { AccountRequest } from '@companion/supervisor';
import type Dockerode from 'dockerode';
import type { MountSettings } from 'dockerode';
import { labelsOf } from '../leftovers/labels.js';
import { type AccountWish, accountRequest } from './account.js';
import { Copies } from './copies.js';
import { removeContainer } from './remove-container.js';

/** What the supervisor makes inside elsewhere, and cannot where the root is read-only. */
export interface SealedRoot {
  /** To be in memory; `undefined` for a user without a home of its own. */
  readonly home: string | undefined;
  /** Host paths by what they stand for inside. */
  readonly files: Readonly<Record<string, string>>;
}

/** Texts of /etc/passwd and /etc/group. */
interface Entries {
  readonly passwd: string;
  readonly group: string;
}

/**
 * The home of the user, and the image's files of users and groups with what is missing there. The image is asked through
 * a container that is never started: the engine has no other way to its files. Volumes become the user's in it, too.
 */
export async function sealedRoot(
  wish: AccountWish,
  { sockets, volumes }: { readonly sockets: string; readonly volumes: readonly MountSettings[] },
): Promise<SealedRoot> {
  const wanted = accountRequest(wish);
  const { docker } = wish.engine;
  const container = await docker.createContainer({
    Image: wish.image.id,
    Entrypoint: ['/never-started'],
    Labels: labelsOf({ ...wish.request, reuse: false }),
    HostConfig: { NetworkMode: 'none', Mounts: [...volumes] },
  });
  try {
    const has = {
      passwd: await textOf(container, '/etc/passwd', sockets),
      group: await textOf(container, '/etc/group', sockets),
    };
    const { entries, home, ids } = completed(has, wanted);
    const copies = new Copies(container, ids);
    for (const { Target } of volumes) await copies.giveDirectory(Target);
    const directory = join(dirname(sockets), 'accounts');
    await mkdir(directory, { mode: 0o700, recursive: true });
    return {
      home,
      files: {
        '/etc/passwd': await kept(entries.passwd, directory),
        '/etc/group': await kept(entries.group, directory),
      },
    };
  } finally {
    await removeContainer(wish.engine, container);
  }
}

/** As the supervisor does it where it can write. */
function completed({ passwd, group }: Entries, { user, home, name }: AccountRequest) {
  const [who = '', itsGroup] = user.split(':');
  const entry = linesOf(passwd).find(([itsName, , uid]) => who === uid || who === itsName);
  const [, , uid = who, gid = '0', , itsHome = ''] = entry ?? [];
  const ids: User = { uid: Number(uid) || 0, gid: Number(itsGroup ?? gid) || 0 };
  const entries = { passwd, group };
  if (name !== undefined && entry === undefined) {
    const free = freeName(passwd, name, ids.uid);
    entries.passwd = withLine(passwd, `${free}:x:${ids.uid}:${ids.gid}::${home ?? '/'}:/bin/sh`);
  }
  if (name !== undefined && !linesOf(group).some(([, , id]) => id === `${ids.gid}`)) {
    entries.group = withLine(group, `${freeName(group, name, ids.gid)}:x:${ids.gid}:`);
  }
  const resolved = posix.resolve('/', itsHome);
  return { entries, ids, home: resolved === '/' ? home : resolved };
}

/** Another id may have it in this image. */
function freeName(text: string, name: string, id: number): string {
  return linesOf(text).some(([taken]) => taken === name) ? `${name}${id}` : name;
}

function linesOf(text: string): readonly string[][] {
  return text.split('\n').map((line) => line.split(':'));
}

function withLine(text: string, line: string): string {
  return `${text.replace(/[^\n]$/, '$&\n')}${line}\n`;
}

/** Empty for a file that is not there. */
async function textOf(container: Dockerode.Container, path: string, directory: string): Promise<string> {
  const copies = new Copies(container, { uid: 0, gid: 0 });
  if (!(await copies.has(path))) return '';
  const copy = join(directory, randomBytes(8).toString('hex'));
  try {
    await copies.copyOut(path, copy);
    return await readFile(copy, 'utf8');
  } finally {
    await rm(copy, { force: true });
  }
}

/**
 * A file with that text, which stays: an engine wants what it has mounted to be there when it copies, and nobody is left
 * to remove a file whose owner is killed. By its name it is the same one for all that need that text.
 */
async function kept(text: string, directory: string): Promise<string> {
  const path = join(directory, createHash('sha256').update(text).digest('hex').slice(0, 32));
  const made = `${path}.${randomBytes(4).toString('hex')}`;
  await writeFile(made, text, { mode: 0o644 });
  await rename(made, path);
  return path;
}
