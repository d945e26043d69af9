import { pathToFileURL } from 'node:url';
import type { Backend } from '@companion/core/backend';
import { closestName } from './closest-name.js';
import { CommandLineError } from './command-line-error.js';
import { loadBackendModule } from './load-backend-module.js';
import { type ResolvedPackage, resolvePackage } from './resolve-package.js';

/** Backends that the command knows by name, by priority. */
const BACKEND_NAMES: readonly string[] = ['docker', 'nix', 'local'];

/** What became of one backend's package. */
export type LoadedBackend = {
  readonly name: string;
  /** Of one that `--load` named: the module, as it was given. */
  readonly packageName: string;
} & (
  | {
      readonly state: 'loaded';
      readonly found: ResolvedPackage;
      readonly backend: Backend;
      readonly by: 'name' | '--load';
    }
  | { readonly state: 'not-installed'; readonly install: string }
  | { readonly state: 'broken'; readonly error: unknown }
);

/**
 * Imports the packages of the backends that the command knows, and the modules that the user names. A package that
 * cannot be imported is reported and stops nobody; a module that cannot, or is no backend, is an error. A module's
 * backend stands in for a known one of its name.
 */
export async function loadBackends(modules: readonly string[]): Promise<readonly LoadedBackend[]> {
  const given = await loadModules(modules);
  const others = BACKEND_NAMES.filter((name) => given.every((backend) => backend.name !== name));
  return [...given, ...(await Promise.all(others.map(loadBackend)))];
}

async function loadModules(modules: readonly string[]): Promise<readonly LoadedBackend[]> {
  const { registerBackend } = await import('@companion/core');
  const loaded = new Map<string, LoadedBackend>();
  for (const module of modules) {
    const { backend, found } = await loadBackendModule(module);
    registerBackend(backend);
    const { name } = backend;
    loaded.set(name, { name, packageName: module, state: 'loaded', found, backend, by: '--load' });
  }
  return [...loaded.values()];
}

async function loadBackend(name: string): Promise<LoadedBackend> {
  const packageName = `@companion/backend-${name}`;
  try {
    const found = resolvePackage(packageName);
    if (found === undefined) {
      return { name, packageName, state: 'not-installed', install: installCommand(packageName) };
    }
    await import(pathToFileURL(found.path).href);
    const { registeredBackends } = await import('@companion/core');
    const backend = registeredBackends().find((candidate) => candidate.name === name);
    if (backend !== undefined) return { name, packageName, state: 'loaded', found, backend, by: 'name' };
    return { name, packageName, state: 'broken', error: new Error(`it registers no backend named ${name}`) };
  } catch (error) {
    return { name, packageName, state: 'broken', error };
  }
}

/** The command that brings a package. */
export function installCommand(packageName: string): string {
  return `npm install --save-dev ${packageName}`;
}

/**
 * The loaded ones, of which there is at least one; only the preferred one where a name is given.
 * @throws CommandLineError naming what is missing or broken, and how to get it.
 */
export async function loadUsableBackends(
  preferred: string | undefined,
  by: string,
  modules: readonly string[],
): Promise<readonly LoadedBackend[]> {
  if (preferred === undefined) {
    const all = await loadBackends(modules);
    if (all.some(({ state }) => state === 'loaded')) return all;
    throw notUsable('no backend can be loaded', all);
  }
  const given = await loadModules(modules);
  const named = given.filter(({ name }) => name === preferred);
  if (named.length > 0) return named;
  if (!BACKEND_NAMES.includes(preferred)) throw unknownBackend(preferred, by, given);
  const loaded = await loadBackend(preferred);
  if (loaded.state === 'loaded') return [loaded];
  throw notUsable(`backend ${preferred}, named by ${by}, cannot be loaded`, [loaded]);
}

function unknownBackend(preferred: string, by: string, given: readonly LoadedBackend[]): CommandLineError {
  const names = [...given.map(({ name }) => name), ...BACKEND_NAMES];
  const meant = closestName(preferred, names);
  return new CommandLineError('COMPANION_USAGE', `unknown backend "${preferred}", named by ${by}`, {
    hint:
      meant === undefined
        ? `Backends are ${names.join(', ')}; others are named with --load.`
        : `Did you mean ${meant}?`,
  });
}

function notUsable(what: string, backends: readonly LoadedBackend[]): CommandLineError {
  const reasons = backends.map(whyNotLoaded).filter((reason) => reason !== undefined);
  const missing = backends.find((backend) => backend.state === 'not-installed');
  const broken = backends.find((backend) => backend.state === 'broken');
  return new CommandLineError('COMPANION_BACKEND_NOT_LOADED', `${what}: ${reasons.join('; ')}`, {
    hint: broken === undefined ? missing?.install : `Install it again: ${installCommand(broken.packageName)}`,
    cause: broken?.error,
  });
}

/** Core's own error, with what else could be had. */
export function withAbsent(error: Error, loaded: readonly LoadedBackend[]): Error {
  const absent = loaded.map(whyNotLoaded).filter((reason) => reason !== undefined);
  if (absent.length === 0) return error;
  const { hint } = error as { readonly hint?: string };
  return new CommandLineError('COMPANION_NO_BACKEND', error.message, {
    hint: [hint, `Not asked: ${absent.join('; ')}.`].filter((part) => part !== undefined).join(' '),
    cause: error,
  });
}

/** One clause; `undefined` for one that is there. */
export function whyNotLoaded(backend: LoadedBackend): string | undefined {
  if (backend.state === 'loaded') return undefined;
  if (backend.state === 'not-installed') return `${backend.packageName} is not installed`;
  const { error } = backend;
  return `${backend.packageName} cannot be imported (${error instanceof Error ? error.message : String(error)})`;
}
