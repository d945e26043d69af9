import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { type PackOptions, pack } from 'tar-fs';
import { DockerIgnore } from './dockerignore.js';
import { imageUnavailable } from './image-failure.js';

/** A folder that an image is built from, checked. */
export interface BuildContext {
  /** Symbolic links resolved. */
  readonly directory: string;
  /** Relative to it, with slashes. */
  readonly dockerfile: string;
  readonly dockerfileText: string;
}

/**
 * Throws `TypeError` for a Dockerfile that the engine could not see, `IMAGE_UNAVAILABLE` where context or Dockerfile
 * is not there.
 */
export async function openContext(context: string, dockerfile: string | undefined): Promise<BuildContext> {
  const directory = await realpath(context).catch(() => undefined);
  if (directory === undefined || !(await stat(directory)).isDirectory()) {
    throw imageUnavailable(
      `the build context "${context}" is not a directory`,
      'Set image.build.context to the directory that holds what the Dockerfile copies.',
    );
  }
  const file = resolve(context, dockerfile ?? 'Dockerfile');
  const written = relative(resolve(context), file);
  const real = await realpath(file).catch(() => undefined);
  // Asked first: what is outside is wrong whether it exists or not.
  if (isOutside(written) || (real !== undefined && isOutside(relative(directory, real)))) {
    throw new TypeError(
      `image.build.dockerfile: expected a path inside the build context ${JSON.stringify(context)}, got ${JSON.stringify(dockerfile ?? 'Dockerfile')}`,
    );
  }
  if (real === undefined || !(await stat(real)).isFile()) {
    throw imageUnavailable(
      `the build context "${context}" has no ${JSON.stringify(written)}`,
      'Set image.build.dockerfile to its path in the context.',
    );
  }
  // The file itself, not a link to it: the engine need not follow links.
  const path = relative(directory, real).split(sep).join('/');
  return { directory, dockerfile: path, dockerfileText: await readFile(real, 'utf8') };
}

/** What the engine is sent: a tar stream without what `.dockerignore` leaves out. The caller destroys it. */
export async function packContext(context: BuildContext): Promise<Readable> {
  const ignore = await readIgnore(context);
  const entries = await listEntries(context.directory, ignore);
  // The declarations do not know all of tar-fs.
  const options: PackOptions & { readonly umask: number } = {
    entries: [...entries],
    // Only what is listed: a listed folder is not gone through once more.
    ignore: () => true,
    // Modes as they are: the default takes those bits away that this process leaves out of new files.
    umask: 0,
    // As docker sends it: the layers, and so the cache, must not depend on who owns the files here.
    map: (header) => ({ ...header, uid: 0, gid: 0 }),
  };
  return pack(context.directory, options);
}

/** A Dockerfile may have an ignore file of its own, which then is the only one. */
async function readIgnore({ directory, dockerfile }: BuildContext): Promise<DockerIgnore> {
  const own = await readFile(join(directory, `${dockerfile}.dockerignore`), 'utf8').catch(() => undefined);
  if (own !== undefined) return new DockerIgnore(own, [dockerfile]);
  const text = await readFile(join(directory, '.dockerignore'), 'utf8').catch(() => '');
  // The engine needs both, and removes them itself from what is copied where the rules say so.
  return new DockerIgnore(text, [dockerfile, '.dockerignore']);
}

async function listEntries(directory: string, ignore: DockerIgnore): Promise<readonly string[]> {
  const entries: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(directory, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const isIgnored = ignore.ignores(path);
      // Sockets, pipes and devices are of this machine, not of an image.
      if (!isIgnored && (entry.isFile() || entry.isDirectory() || entry.isSymbolicLink())) entries.push(path);
      if (entry.isDirectory() && (!isIgnored || ignore.mayKeepBelow(path))) await walk(path);
    }
  };
  await walk('');
  return entries;
}

function isOutside(path: string): boolean {
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
}
