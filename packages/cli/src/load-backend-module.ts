import { existsSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Backend } from '@companion/core/backend';
import { CommandLineError } from './command-line-error.js';
import { failureOf } from './print.js';
import { type ResolvedPackage, resolvePackage } from './resolve-package.js';

export interface BackendModule {
  readonly backend: Backend;
  /** How another program imports it: `file:///…/backend.js#localBackend`. */
  readonly specifier: string;
  readonly found: ResolvedPackage;
}

/**
 * Imports a backend by `module[#export]`: a file, relative to the current directory, or a package as this project sees
 * it. Without an export's name it is the default one, else the first that looks like a backend.
 * @throws CommandLineError naming what is wrong with the module.
 */
export async function loadBackendModule(given: string): Promise<BackendModule> {
  const { found: place, file, exportName } = locate(given);
  const url = pathToFileURL(place.path).href;
  const exported = await importModule(url, file);
  const looksRight = (name: string): boolean => looksLikeBackend(exported[name]);
  const found = Object.keys(exported).filter(looksRight);
  const name = exportName ?? (looksRight('default') ? 'default' : found[0]);
  const backend = name === undefined ? undefined : exported[name];
  if (name !== undefined && looksLikeBackend(backend))
    return { backend, specifier: `${url}#${name}`, found: place };
  const others = found.map((one) => `#${one}`).join(', ');
  if (exportName !== undefined && exportName in exported) {
    throw notLoaded(
      `the export ${exportName} of ${file} is not a backend`,
      others === '' ? SHAPE : `Backends there: ${others}.`,
    );
  }
  if (exportName !== undefined) {
    throw notLoaded(
      `${file} has no export ${exportName}`,
      others === '' ? undefined : `Backends there: ${others}.`,
    );
  }
  throw notLoaded(`${file} exports no backend`, SHAPE);
}

const SHAPE = 'A backend is an object with spec, name, priority, capabilities, detect() and create().';

interface Location {
  readonly found: ResolvedPackage;
  /** As it was given, without the export. */
  readonly file: string;
  readonly exportName: string | undefined;
}

function locate(given: string): Location {
  // A file name may have a hash sign in it.
  const hash = existsSync(resolve(given)) ? -1 : given.lastIndexOf('#');
  const specifier = hash === -1 ? given : given.slice(0, hash);
  const exportName = hash === -1 ? undefined : given.slice(hash + 1) || undefined;
  const path = resolve(specifier);
  const isPath = isAbsolute(specifier) || /^\.{1,2}([\\/]|$)/.test(specifier);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) {
    return { found: { path, version: undefined, from: 'project' }, file: specifier, exportName };
  }
  if (isPath) {
    throw notLoaded(
      stats === undefined ? `${path} does not exist` : `${path} is not a file`,
      stats === undefined ? undefined : 'Name the file that exports the backend.',
    );
  }
  try {
    const found = resolvePackage(specifier);
    if (found !== undefined) return { found, file: specifier, exportName };
  } catch (error) {
    throw notLoaded(`${specifier} cannot be resolved: ${failureText(error)}`, undefined, error);
  }
  throw notLoaded(
    `neither a file nor an installed package: ${specifier}`,
    `A file is taken relative to ${process.cwd()}; a package is brought by npm install --save-dev ${specifier}`,
  );
}

async function importModule(url: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const exported: Readonly<Record<string, unknown>> = await import(url);
    return exported;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const hint =
      code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? 'Name the built file: this Node reads JavaScript only.'
        : undefined;
    throw notLoaded(`${file} cannot be imported: ${failureText(error)}`, hint, error);
  }
}

/** Enough to tell it from other exports; what is wrong with one is what the cases show. */
function looksLikeBackend(value: unknown): value is Backend {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Partial<Record<keyof Backend, unknown>>;
  return typeof candidate.detect === 'function' && typeof candidate.create === 'function';
}

function failureText(error: unknown): string {
  return error instanceof Error ? error.message : failureOf(error).message;
}

function notLoaded(message: string, hint: string | undefined, cause?: unknown): CommandLineError {
  return new CommandLineError('COMPANION_MODULE_NOT_LOADED', message, { hint, cause });
}
