import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CompanionError } from '@companion/core';
import type { User } from '@companion/core/backend';
import type { Container } from 'dockerode';
import { extract, type Headers, type Pack, pack } from 'tar-fs';

/** Copies through the engine's archives: needs no program inside, and sees what is mounted there. */
export class Copies {
  readonly #container: Container;
  /** Whose the copies inside are. */
  readonly #ids: User;
  readonly #hidden: readonly string[];

  /** `hidden`: what archives do not see. */
  constructor(container: Container, { uid, gid }: User, hidden: readonly string[] = []) {
    this.#container = container;
    this.#ids = { uid, gid };
    this.#hidden = hidden;
  }

  /** Directories are merged into what is there; directories that are missing on the way are made. */
  async copyIn(hostPath: string, companionPath: string): Promise<void> {
    const found = await stat(hostPath);
    const to = posix.resolve('/', companionPath);
    this.#refuseHidden(to);
    if (found.isDirectory()) {
      const { archive, base } = await this.#archive(to, found.mode);
      pack(hostPath, {
        pack: archive,
        entries: await readdir(hostPath),
        map: (header) => ({
          ...header,
          name: posix.join(posix.relative(base, to), header.name),
          ...this.#ids,
        }),
      });
      await this.#put(archive, base);
      return;
    }
    const { archive, base } = await this.#archive(posix.dirname(to), 0o755);
    pack(dirname(hostPath), {
      pack: archive,
      entries: [basename(hostPath)],
      dereference: true,
      map: (header) => ({ ...header, name: posix.relative(base, to), ...this.#ids }),
    });
    await this.#put(archive, base);
  }

  async has(companionPath: string): Promise<boolean> {
    return (await this.#status(companionPath)) !== undefined;
  }

  /** Makes it, or gives it to the owner of copies. */
  async giveDirectory(companionPath: string): Promise<void> {
    const archive = pack('/', { entries: [], finalize: false });
    this.#addDirectory(archive, companionPath.slice(1), 0o755);
    archive.finalize();
    await this.#put(archive, '/');
  }

  /**
   * With the directories of a path that are not there, each in the one before it. What is packed is unpacked in the
   * innermost one that is: with a read-only root only there files can be written.
   */
  async #archive(directory: string, lastMode: number): Promise<{ archive: Pack; base: string }> {
    const missing: string[] = [];
    let base = directory;
    for (; base !== '/' && !(await this.has(base)); base = posix.dirname(base)) missing.unshift(base);
    const archive = pack('/', { entries: [], finalize: false });
    for (const path of missing) {
      const mode = path === directory ? lastMode & 0o777 : 0o755;
      this.#addDirectory(archive, posix.relative(base, path), mode);
    }
    return { archive, base };
  }

  #addDirectory(archive: Pack, name: string, mode: number): void {
    archive.entry({ name: `${name}/`, type: 'directory', mode, mtime: new Date(), ...this.#ids });
  }

  async #put(archive: Pack, path: string): Promise<void> {
    const failed = new Promise<never>((_resolve, reject) => archive.once('error', reject));
    await Promise.race([this.#container.putArchive(archive, { path }), failed]);
  }

  /** Directories are merged, and everything else replaced: nothing is written through a link that is there. */
  async copyOut(companionPath: string, hostPath: string): Promise<void> {
    this.#refuseHidden(posix.resolve('/', companionPath));
    const found = await this.#status(companionPath);
    if (found === undefined) throw new Error(`there is no ${companionPath}`);
    // What a link names is copied, as cp(1) does it for its argument.
    const path = found.linkTarget === '' ? companionPath : found.linkTarget;
    const made = await mkdir(dirname(hostPath), { recursive: true });
    const arrived = await mkdtemp(join(dirname(hostPath), '.copy-'));
    try {
      const modes = await unpack(await this.#container.getArchive({ path }), arrived);
      for (const name of await readdir(arrived)) await move(join(arrived, name), hostPath, modes);
    } catch (error) {
      if (made !== undefined) await rm(made, { recursive: true, force: true });
      throw error;
    } finally {
      await rm(arrived, { recursive: true, force: true });
    }
  }

  /** Else files would go where nobody finds them. */
  #refuseHidden(path: string): void {
    const memory = this.#hidden.find((directory) => `${path}/`.startsWith(`${posix.resolve(directory)}/`));
    if (memory === undefined) return;
    const message = `nothing can be copied from or to ${path}: ${memory} is in memory, where this engine does not reach`;
    throw new CompanionError('COMPANION_UNSUPPORTED', message, {
      hint: 'Copy to another directory, or write the file with a process, through its input.',
    });
  }

  /** `undefined` when nothing is there. */
  async #status(path: string): Promise<{ readonly linkTarget: string } | undefined> {
    const answer: unknown = await this.#container
      .infoArchive({ path })
      .catch((error: { statusCode?: number }) => {
        if (error.statusCode === 404) return undefined;
        throw error;
      });
    if (answer === undefined) return undefined;
    const response = answer as IncomingMessage;
    // It has no body, and its connection is not free before that has been read.
    response.resume();
    const { headers } = response;
    const header = String(headers['x-docker-container-path-stat'] ?? '');
    const status: unknown = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
    const { linkTarget } = status as { linkTarget?: unknown };
    return { linkTarget: typeof linkTarget === 'string' ? linkTarget : '' };
  }
}

type Modes = ReadonlyMap<string, number>;

/** Into an empty directory, out of which no member of the archive leads. Directories can be written until they are moved. */
async function unpack(archive: NodeJS.ReadableStream, directory: string): Promise<Modes> {
  const modes = new Map<string, number>();
  const options = {
    // Files belong to the caller, and links may lead anywhere: nothing is written through them.
    ...{ chown: false, validateSymlinks: false, umask: 0 },
    map: (header: Headers): Headers => {
      if (header.type !== 'directory') return header;
      modes.set(join(directory, header.name), header.mode & 0o777);
      return { ...header, mode: 0o700 };
    },
  };
  await pipeline(archive, extract(directory, options));
  return modes;
}

async function move(from: string, to: string, modes: Modes): Promise<void> {
  const there = await lstat(to).catch(() => undefined);
  const moved = await lstat(from);
  if (!moved.isDirectory()) {
    if (there?.isDirectory()) throw new Error(`there is a directory: ${to}`);
    await rename(from, to);
    return;
  }
  const isNew = !there?.isDirectory();
  if (isNew) {
    if (there !== undefined) await rm(to);
    await mkdir(to);
  }
  for (const name of await readdir(from)) await move(join(from, name), join(to, name), modes);
  if (isNew) await chmod(to, modes.get(from) ?? 0o755);
}
