/** Values of options, from their texts. Each names its option, what was expected and what came. */
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { parse, resolve } from 'node:path';
import type { CompanionOptions, MountOptions, PortOptions } from '@companion/core';
import { usageError } from './command-line-error.js';

/** A directory that exists; the root and the home directory only where somebody said so. */
export function parseSource(given: string | undefined): string {
  const source = resolve(given ?? '.');
  if (given === undefined && (source === parse(source).root || source === homedir())) {
    throw usageError(
      `${source} is not taken as the source directory unasked`,
      `If you mean it: --source ${source}`,
    );
  }
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() === true) return source;
  throw usageError(`--source: ${source} is not a directory`);
}

export function parseRequirements(given: readonly string[]): CompanionOptions['requires'] {
  if (given.length === 0) return undefined;
  const pairs = given.map((requirement) => {
    const [, key, text] = /^([^=]+)=(.+)$/.exec(requirement) ?? [];
    if (key === undefined || text === undefined) {
      throw usageError(
        `--require: expected KEY=VALUE, got "${requirement}"`,
        'For example: --require filesystem=bound',
      );
    }
    const values = text
      .split(',')
      .map((value) => (value === 'true' ? true : value === 'false' ? false : value));
    return [key, values] as const;
  });
  // Which keys and values there are is known to core, which refuses others.
  return Object.fromEntries(pairs);
}

// A drive is no separator, and a directory of one letter is no drive.
const MOUNT =
  process.platform === 'win32'
    ? /^((?:[a-z]:[\\/])?[^:]*)(?::(\/[^:]*))?(?::([a-z]+(?:,[a-z]+)*))?$/i
    : /^([^:]*)(?::(\/[^:]*))?(?::([a-z]+(?:,[a-z]+)*))?$/;

/** `HOST[:INSIDE][:ro]`. */
export function parseMount(given: string): MountOptions {
  const [, hostPath = '', companionPath, flags] = MOUNT.exec(given) ?? [];
  const words = flags?.split(',') ?? [];
  if (hostPath === '' || words.some((word) => !['ro', 'rw', 'strict'].includes(word))) {
    throw usageError(
      `--mount: expected HOST[:INSIDE][:ro], got "${given}"`,
      'INSIDE is an absolute path; behind it may stand ro, rw or strict.',
    );
  }
  const path = resolve(hostPath);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw usageError(
      `--mount: ${path} does not exist`,
      'It is a path of this machine, relative to the current directory.',
    );
  }
  return {
    hostPath: path,
    ...(companionPath === undefined ? {} : { companionPath }),
    ...(words.includes('ro') ? { readOnly: true } : {}),
    ...(words.includes('strict') ? { strict: true } : {}),
  };
}

/** `[NAME=][HOST:]PORT`. */
export function parsePort(given: string): PortOptions {
  const [, name, hostPort, companionPort] = /^(?:([^=:]+)=)?(?:(\d+):)?(\d+)$/.exec(given) ?? [];
  const wrong = (port: string | undefined): boolean =>
    port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535);
  if (companionPort === undefined || wrong(companionPort) || wrong(hostPort)) {
    throw usageError(
      `--port: expected [NAME=][HOST:]PORT, got "${given}"`,
      'Ports are numbers from 1 to 65535, for example 4711, 8080:80 or web=8080:80.',
    );
  }
  return {
    companionPort: Number(companionPort),
    ...(hostPort === undefined ? {} : { hostPort: Number(hostPort) }),
    ...(name === undefined ? {} : { name }),
  };
}

/** A name without a value takes this process's; one that is not set here is removed inside, as docker does. */
export function parseVariables(given: readonly string[], env: NodeJS.ProcessEnv): CompanionOptions['env'] {
  if (given.length === 0) return undefined;
  const pairs = given.map((variable) => {
    const end = variable.indexOf('=');
    // What stands behind the name may be a secret.
    if (end === 0 || variable === '') throw usageError('--env: expected NAME=VALUE or NAME, got no name');
    return end === -1 ? [variable, env[variable]] : [variable.slice(0, end), variable.slice(end + 1)];
  });
  return Object.fromEntries(pairs);
}

export function parseHostEnv(given: string | undefined): CompanionOptions['hostEnv'] {
  if (given === undefined || given === 'inherit' || given === 'minimal') return given;
  const names = given.split(',');
  if (names.every((name) => /^[^=\s]+$/.test(name))) return names;
  throw usageError(`--host-env: expected inherit, minimal or NAME,NAME,…, got "${given}"`);
}

export function parseUser(given: string | undefined): CompanionOptions['user'] {
  if (given === undefined || given === 'host' || given === 'image') return given;
  const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(given) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw usageError(`--user: expected host, image or UID:GID, got "${given}"`);
}

export function parseNetwork(given: string | undefined): CompanionOptions['network'] {
  if (given === undefined || given === 'default' || given === 'none') return given;
  throw usageError(`--network: expected default or none, got "${given}"`);
}

export function parseNumber(option: string, given: string, unit: string): number {
  const value = /^\d+(\.\d+)?$/.test(given) ? Number(given) : 0;
  if (value > 0) return value;
  throw usageError(`${option}: expected a number of ${unit} above 0, got "${given}"`);
}

const BYTES_OF: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** Powers of 1024, as docker reads them: `512m` are 512 MiB. */
export function parseBytes(option: string, given: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(given) ?? [];
  const bytes = Math.round(Number(amount) * (BYTES_OF[unit.toLowerCase()] ?? Number.NaN));
  if (bytes > 0) return bytes;
  throw usageError(`${option}: expected bytes above 0, got "${given}"`, 'For example 536870912, 512m or 2g.');
}
