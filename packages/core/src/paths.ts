import { realpathSync } from 'node:fs';
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Capabilities, Mount } from './backend.js';
import { CompanionError, invalidArgument } from './errors.js';
import type { Directory } from './options.js';

export interface Inside {
  readonly path: string;
  readonly translated?: { readonly hostPath: string; readonly companionPath: string };
}

interface Row {
  readonly hostPath: string;
  /** `hostPath` with its symbolic links resolved: the form in which many tools report it. */
  readonly realPath: string;
  readonly companionPath: string;
}

/**
 * The mounts of one companion, `sourceDir` first among equals: which host path is which companion path.
 *
 * With a filesystem of its own (`bound`, `copied`) the table is the only bridge and a path outside it is
 * `COMPANION_PATH_NOT_MAPPED`. On a shared filesystem every host path is valid inside, so host paths stay what they
 * are, and companion paths under a mount are translated to the host paths they stand for.
 */
export class MountTable {
  readonly #rows: readonly Row[];
  readonly #sourceDir: string;
  readonly #workspaceDir: string;
  readonly #shared: boolean;

  constructor(
    source: { readonly sourceDir: string; readonly workspaceDir: string },
    mounts: readonly Mount[],
    filesystem: Capabilities['filesystem'],
  ) {
    this.#sourceDir = source.sourceDir;
    this.#workspaceDir = source.workspaceDir;
    this.#shared = filesystem === 'shared';
    this.#rows = [{ hostPath: source.sourceDir, companionPath: source.workspaceDir }, ...mounts].map(
      ({ hostPath, companionPath }) => ({ hostPath, companionPath, realPath: realPathOf(hostPath) }),
    );
  }

  /** A relative host path is taken from `sourceDir`. */
  absoluteHostPath(hostPath: string): string {
    return resolve(this.#sourceDir, checked('hostPath', hostPath));
  }

  /** A relative companion path is taken from where `sourceDir` is visible. */
  absoluteCompanionPath(companionPath: string): string {
    const path = checked('companionPath', companionPath);
    return this.#shared && isAbsolute(path) ? path : posix.resolve(this.#workspaceDir, path);
  }

  /** Where a host path (relative: from `sourceDir`) is inside. */
  toCompanionPath(hostPath: string): string {
    const path = this.absoluteHostPath(hostPath);
    if (this.#shared) return path;
    const found =
      longest(this.#rows, (row) => row.hostPath, path, isBelowHost) ??
      longest(this.#rows, (row) => row.realPath, path, isBelowHost);
    if (found === undefined) throw notMapped('host path', path, 'is not below sourceDir or a mount');
    return posix.join(found.row.companionPath, found.rest.split(sep).join('/'));
  }

  /** The host path of a companion path below a mount; `undefined` elsewhere. */
  mountedHostPath(companionPath: string): string | undefined {
    const path = checked('companionPath', companionPath);
    const found = this.#underMount(path) ?? longest(this.#rows, (row) => row.hostPath, path, isBelowHost);
    return found === undefined ? undefined : join(found.row.hostPath, ...found.rest.split(/[\\/]/));
  }

  /** Where a companion path (relative: from where `sourceDir` is visible) is on the host. */
  toHostPath(companionPath: string): string {
    const path = checked('companionPath', companionPath);
    if (this.#shared && !posix.isAbsolute(path)) return resolve(this.#sourceDir, path);
    const found = this.#underMount(posix.resolve(this.#workspaceDir, path));
    if (found !== undefined) return join(found.row.hostPath, ...found.rest.split('/'));
    if (this.#shared) return resolve(path);
    throw notMapped('companion path', path, 'is not below the workspace or a mount');
  }

  /**
   * A directory as a process gets it: the companion path, or on a shared filesystem the host path it stands for. Each
   * step is taken from the one before it, where it is relative. `translated` is the mount that made the difference.
   */
  directoryInside(steps: readonly (Directory | undefined)[]): Inside {
    let inside: Inside = { path: '/' };
    for (const step of steps) {
      if (step === undefined) continue;
      if (typeof step === 'object') inside = { path: this.toCompanionPath(step.hostPath) };
      else if (posix.isAbsolute(step) || (this.#shared && isAbsolute(step))) inside = this.#translate(step);
      else inside = { ...inside, path: (this.#shared ? join : posix.join)(inside.path, step) };
    }
    return inside;
  }

  #translate(companionPath: string): Inside {
    if (!this.#shared) return { path: companionPath };
    const found = this.#underMount(companionPath);
    if (found === undefined || found.row.companionPath === found.row.hostPath) return { path: companionPath };
    return { path: join(found.row.hostPath, ...found.rest.split('/')), translated: found.row };
  }

  toCompanionUri(hostUri: string | URL): string {
    const path = this.toCompanionPath(fileURLToPath(hostUri));
    return pathToFileURL(path, this.#shared ? {} : { windows: false }).href;
  }

  toHostUri(companionUri: string | URL): string {
    const path = fileURLToPath(companionUri, this.#shared ? {} : { windows: false });
    return pathToFileURL(this.toHostPath(path)).href;
  }

  #underMount(path: string): Match | undefined {
    const found = longest(this.#rows, (row) => row.companionPath, posix.normalize(path), isBelowCompanion);
    if (found === undefined || !this.#shared) return found;
    // A project that lies in /workspace/… on the host: its own paths are host paths already.
    const onHost = longest(this.#rows, (row) => row.hostPath, path, isBelowHost);
    return (onHost?.row.hostPath.length ?? 0) >= found.row.companionPath.length ? undefined : found;
  }
}

interface Match {
  readonly row: Row;
  /** Relative to the row's path; empty for the path itself. */
  readonly rest: string;
}

/** The row with the longest path above `path`. */
function longest(
  rows: readonly Row[],
  side: (row: Row) => string,
  path: string,
  below: (parent: string, path: string) => string | undefined,
): Match | undefined {
  let best: Match | undefined;
  for (const row of rows) {
    const rest = below(side(row), path);
    if (rest === undefined) continue;
    if (best === undefined || side(row).length > side(best.row).length) best = { row, rest };
  }
  return best;
}

function isBelowHost(parent: string, path: string): string | undefined {
  const rest = relative(parent, path);
  return rest === '..' || rest.startsWith(`..${sep}`) || isAbsolute(rest) ? undefined : rest;
}

function isBelowCompanion(parent: string, path: string): string | undefined {
  const rest = posix.relative(parent, path);
  return rest === '..' || rest.startsWith('../') ? undefined : rest;
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    // Removed since it was checked: the environment's start will say so better.
    return path;
  }
}

function checked(what: string, path: unknown): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw invalidArgument(what, 'a path', path);
  }
  return path;
}

function notMapped(what: string, path: string, why: string): CompanionError {
  return new CompanionError('COMPANION_PATH_NOT_MAPPED', `${what} ${path} ${why}`, {
    hint: 'Mount it with the option `mounts` or withMount().',
  });
}
