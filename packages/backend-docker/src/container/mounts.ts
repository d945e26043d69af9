import { randomBytes } from 'node:crypto';
import { lstat, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CompanionError } from '@companion/core';
import type { EnvironmentRequest } from '@companion/core/backend';
import type { MountSettings } from 'dockerode';
import type { Engine } from '../engine/engine.js';
import type { Image } from '../image/image.js';
import type { DockerOptions } from '../options.js';
import { accountRequest } from './account.js';
import { canBeCopied, type ProtectedCopies, protectedCopies } from './protected-copies.js';
import { sealedRoot } from './sealed-root.js';

/** Of the supervisor and of its sockets, in every container. */
const OWN_DIRECTORY = '/.companion';
export const SUPERVISOR = `${OWN_DIRECTORY}/supervisor`;
export const SOCKET_DIRECTORY = `${OWN_DIRECTORY}/sockets`;

/** What a field of comma-separated values cannot hold as it is. */
const UNSPEAKABLE = /[",\r\n]/;

export interface MountWish {
  readonly request: EnvironmentRequest;
  readonly options: DockerOptions;
  readonly engine: Engine;
  readonly image: Image;
  /** Host paths; `undefined` where the engine does not see this machine's files. */
  readonly supervisor: string | undefined;
  readonly sockets: string | undefined;
}

/** What is mounted in a container. To be closed once it has been started. */
export class ContainerMounts {
  settings: readonly MountSettings[] = [];
  /** A home that has to be in memory, where nothing is mounted there. */
  home: string | undefined;
  readonly #engine: Engine;
  /** Of this user's alone. */
  readonly #directory: string | undefined;
  readonly #links: string[] = [];
  #copies: ProtectedCopies | undefined;

  private constructor({ engine, sockets }: MountWish) {
    this.#engine = engine;
    this.#directory = sockets;
  }

  static async open(wish: MountWish): Promise<ContainerMounts> {
    const { request, options, engine, supervisor, sockets } = wish;
    const mounts = new ContainerMounts(wish);
    const { sourceDir, workspaceDir } = request;
    const wanted = [{ hostPath: sourceDir, companionPath: workspaceDir, readOnly: false }, ...request.mounts];
    for (const { companionPath } of wanted) refuseTarget(companionPath);
    const socket = options.engineSocket ? engineSocket(engine) : undefined;
    try {
      if (!engine.filesystemIsShared) await mounts.#copy(wish);
      const binds = engine.filesystemIsShared
        ? wanted.map(({ hostPath, companionPath, readOnly }) =>
            mounts.#bind(hostPath, companionPath, readOnly),
          )
        : [];
      if (supervisor !== undefined) binds.push(mounts.#bind(supervisor, SUPERVISOR, true));
      if (sockets !== undefined) binds.push(mounts.#bind(sockets, SOCKET_DIRECTORY, true));
      if (socket !== undefined) binds.push(mounts.#bind(socket, '/var/run/docker.sock', false));
      if (options.readOnlyRoot) binds.push(...(await mounts.#seal(wish)));
      mounts.settings = [...(await Promise.all(binds)), ...caches(options)];
      return mounts;
    } catch (error) {
      await mounts.close();
      throw error;
    }
  }

  /** What the container is to be made with. */
  get wish() {
    return { mounts: this.settings, volumesFrom: this.#copies?.volumesFrom ?? [], home: this.home };
  }

  async #copy(wish: MountWish): Promise<void> {
    for (const mount of wish.request.mounts) {
      if (await canBeCopied(mount)) continue;
      const message = `${mount.hostPath} cannot be read-only on an engine of another machine: it is no directory`;
      throw unsupported(message, 'Mount its directory, or leave readOnly out.');
    }
    this.#copies = await protectedCopies(wish);
  }

  async close(): Promise<void> {
    await this.#copies?.close();
    await Promise.all(this.#links.splice(0).map((link) => rm(link, { force: true })));
  }

  /** Without a directory of this user's nobody gets a name inside. */
  async #seal(wish: MountWish): Promise<readonly Promise<MountSettings>[]> {
    const { engine, options, request, sockets } = wish;
    if (!engine.filesystemIsShared) {
      throw unsupported(
        `the engine at ${engine.endpoint.address} cannot bring files into a read-only root`,
        'Leave readOnlyRoot out: an engine on another machine takes files only where it can write.',
      );
    }
    if (sockets === undefined) {
      this.home = accountRequest(wish).home;
      return [];
    }
    const { home, files } = await sealedRoot(wish, { sockets, volumes: caches(options) });
    const taken = [request.workspaceDir, ...request.mounts.map(({ companionPath }) => companionPath)];
    const isFree = (path: string) => !taken.includes(path) && !Object.hasOwn(options.caches ?? {}, path);
    if (home !== undefined && isFree(home)) this.home = home;
    return Object.entries(files)
      .filter(([companionPath]) => isFree(companionPath))
      .map(([companionPath, hostPath]) => this.#bind(hostPath, companionPath, true));
  }

  /** Never `HostConfig.Binds`: they make missing directories as root, and a colon in a path breaks them. */
  async #bind(hostPath: string, companionPath: string, readOnly: boolean): Promise<MountSettings> {
    if (this.#engine.kind === 'podman' && UNSPEAKABLE.test(companionPath)) throw unspeakable(companionPath);
    // Podman 4.3 makes what is missing, as root.
    await lstat(hostPath).catch((cause: unknown) => {
      const message = `the container could not be started: ${hostPath}, which is to be mounted, does not exist`;
      const hint = 'Make it first, or leave the mount out.';
      throw new CompanionError('COMPANION_START_FAILED', message, { hint, cause });
    });
    return { Type: 'bind', Source: await this.#nameOf(hostPath), Target: companionPath, ReadOnly: readOnly };
  }

  /**
   * Podman makes one line of comma-separated values of a mount and reads that again, without quoting (measured with 4.3): a
   * place whose name breaks it is called by that of a link.
   */
  async #nameOf(hostPath: string): Promise<string> {
    if (this.#engine.kind !== 'podman' || !UNSPEAKABLE.test(hostPath)) return hostPath;
    if (this.#directory === undefined) throw unspeakable(hostPath);
    const link = join(this.#directory, randomBytes(8).toString('hex'));
    this.#links.push(link);
    await symlink(hostPath, link);
    return link;
  }
}

function caches({ caches: wanted = {} }: DockerOptions): MountSettings[] {
  return Object.entries(wanted).map(([Target, Source]): MountSettings => {
    refuseTarget(Target);
    return { Type: 'volume', Source, Target, ReadOnly: false };
  });
}

/** @throws `COMPANION_UNSUPPORTED` for a companion path that is not to be mounted over. */
export function refuseTarget(companionPath: string): void {
  if (companionPath === '/') throw unsupported('nothing can be mounted at /', 'Mount it at a directory.');
  if (`${companionPath}/`.startsWith(`${OWN_DIRECTORY}/`)) {
    const hint = "Mount it elsewhere: this is the companion's own place.";
    throw unsupported(`nothing can be mounted at ${companionPath}`, hint);
  }
}

function engineSocket({ endpoint }: Engine): string {
  const { transport } = endpoint;
  if (transport.kind === 'socket') return transport.path;
  throw unsupported(
    `the engine at ${endpoint.address} has no socket that could be mounted`,
    'Leave engineSocket out, or pass the address as a variable.',
  );
}

function unspeakable(path: string): CompanionError {
  return unsupported(
    `Podman cannot mount a path with quotes or commas: ${path}`,
    'Mount it under another name.',
  );
}

function unsupported(message: string, hint: string): CompanionError {
  return new CompanionError('COMPANION_UNSUPPORTED', message, { hint });
}
