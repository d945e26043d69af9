import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { parse, posix, resolve } from 'node:path';
import {
  parseArray,
  parseBoolean,
  parseKeys,
  parseOneOf,
  parseOptional,
  parsePort,
  parsePositive,
  parsePositiveInteger,
  parseRecord,
  parseSecretRecord,
  parseText,
  parseTextRecord,
  parseWords,
} from './argument-checks.js';
import type { ImageRequest, Limits, Mount, PortRequest, User } from './backend.js';
import { invalidArgument, invalidSecretArgument } from './errors.js';
import type {
  CompanionOptions,
  Directory,
  EnvironmentVariables,
  MountOptions,
  PortOptions,
  Requirements,
} from './options.js';
import { CAPABILITY_VALUES } from './registry.js';

/** A companion's options, checked and complete; `with…` methods change it until `init()`. */
export interface Settings {
  readonly id: string;
  readonly name: string;
  readonly sourceDir: string;
  readonly workspaceDir: string;
  readonly image: ImageRequest | undefined;
  readonly mounts: Mount[];
  readonly ports: PortRequest[];
  env: EnvironmentVariables;
  readonly hostEnv: 'inherit' | 'minimal' | readonly string[];
  workDir: Directory | undefined;
  user: 'host' | 'image' | User;
  pause: boolean;
  entrypoint: readonly string[] | undefined;
  command: readonly string[] | undefined;
  readonly limits: Limits | undefined;
  readonly network: 'default' | 'none';
  readonly reuse: boolean;
  readonly backendOptions: Readonly<Record<string, unknown>>;
}

const OPTION_NAMES: { readonly [K in keyof Required<CompanionOptions>]: true } = {
  name: true,
  sourceDir: true,
  workspaceDir: true,
  image: true,
  preferredBackend: true,
  fallback: true,
  backends: true,
  requires: true,
  mounts: true,
  ports: true,
  env: true,
  hostEnv: true,
  workDir: true,
  user: true,
  pause: true,
  entrypoint: true,
  command: true,
  limits: true,
  network: true,
  reuse: true,
  backendOptions: true,
  onEvent: true,
};

/** @throws TypeError naming the option, what was expected and what came. */
export function parseOptions(options: CompanionOptions): Settings {
  parseKeys('options', options, Object.keys(OPTION_NAMES));
  parseOptional('preferredBackend', options.preferredBackend, parseText);
  parseOptional('fallback', options.fallback, parseBoolean);
  parseOptional('requires', options.requires, parseRequirements);
  if (options.backends !== undefined && !Array.isArray(options.backends)) {
    throw invalidArgument('backends', 'an array of backends', options.backends);
  }
  if (options.onEvent !== undefined && typeof options.onEvent !== 'function') {
    throw invalidArgument('onEvent', 'a function', options.onEvent);
  }
  const sourceDir = parseSourceDir(options.sourceDir);
  const settings: Settings = {
    id: randomBytes(6).toString('hex'),
    name: parseName(options.name ?? 'companion'),
    sourceDir,
    workspaceDir: parseWorkspaceDir(options.workspaceDir, sourceDir),
    image: options.image === undefined ? undefined : parseImage(options.image, sourceDir),
    mounts: [],
    ports: [],
    env: options.env === undefined ? {} : parseVariables('env', options.env),
    hostEnv: parseHostEnv(options.hostEnv ?? 'inherit'),
    workDir: options.workDir === undefined ? undefined : parseDirectory('workDir', options.workDir),
    user: parseUser('user', options.user ?? 'host'),
    pause: parseBoolean('pause', options.pause ?? true),
    entrypoint: parseOptional('entrypoint', options.entrypoint, parseWords),
    command: parseOptional('command', options.command, parseWords),
    limits: parseLimits(options.limits),
    network: parseOneOf('network', options.network ?? 'default', ['default', 'none']),
    reuse: parseBoolean('reuse', options.reuse ?? false),
    backendOptions: parseRecord('backendOptions', options.backendOptions ?? {}),
  };
  checkMain(settings);
  for (const mount of parseArray<string | MountOptions>('mounts', options.mounts ?? []))
    addMount(settings, mount);
  for (const port of parseArray<number | PortOptions>('ports', options.ports ?? [])) addPort(settings, port);
  return settings;
}

/** @throws TypeError for a main process that would never run. */
export function checkMain({ pause, entrypoint, command }: Settings): void {
  if (pause && (entrypoint ?? command) !== undefined) {
    throw invalidArgument('pause', 'false where entrypoint or command is given', pause);
  }
}

export function addMount(settings: Settings, mount: string | MountOptions): Mount {
  const options = typeof mount === 'string' ? { hostPath: mount } : mount;
  parseKeys('mount', options, ['hostPath', 'companionPath', 'readOnly', 'strict']);
  const hostPath = resolve(settings.sourceDir, parseText('mount hostPath', options.hostPath));
  if (!existsSync(hostPath)) throw invalidArgument('mount hostPath', 'an existing path', hostPath);
  const parsed: Mount = Object.freeze({
    hostPath,
    companionPath: parseCompanionPath(
      'mount companionPath',
      options.companionPath ?? asCompanionPath(hostPath),
    ),
    readOnly: parseBoolean('mount readOnly', options.readOnly ?? false),
    strict: parseBoolean('mount strict', options.strict ?? false),
  });
  const taken = [{ companionPath: settings.workspaceDir }, ...settings.mounts];
  if (taken.some((other) => other.companionPath === parsed.companionPath)) {
    throw invalidArgument(
      'mount companionPath',
      'a path that no other mount has',
      `${parsed.companionPath} twice`,
    );
  }
  settings.mounts.push(parsed);
  return parsed;
}

export function addPort(settings: Settings, port: number | PortOptions): PortRequest {
  const options = typeof port === 'number' ? { companionPort: port } : port;
  parseKeys('port', options, ['companionPort', 'hostPort', 'name']);
  const parsed: PortRequest = Object.freeze({
    name: parseOptional('port name', options.name, parseText),
    companionPort:
      options.companionPort === undefined ? 0 : parsePort('companionPort', options.companionPort),
    hostPort: options.hostPort === undefined ? undefined : parsePort('hostPort', options.hostPort),
  });
  for (const other of settings.ports) {
    if (parsed.name !== undefined && other.name === parsed.name) {
      throw invalidArgument('port name', 'a name that no other port has', `${parsed.name} twice`);
    }
    if (parsed.companionPort !== 0 && other.companionPort === parsed.companionPort) {
      throw invalidArgument('companionPort', 'a port that is not declared yet', parsed.companionPort);
    }
    if (parsed.hostPort !== undefined && other.hostPort === parsed.hostPort) {
      throw invalidArgument('hostPort', 'a port that is not declared yet', parsed.hostPort);
    }
  }
  settings.ports.push(parsed);
  return parsed;
}

function parseName(value: unknown): string {
  const name = parseText('name', value);
  if (!/^[a-z0-9][a-z0-9_.-]{0,39}$/.test(name)) {
    throw invalidArgument(
      'name',
      'at most 40 of a-z, 0-9, dot, dash and underscore, the first a letter or digit',
      name,
    );
  }
  return name;
}

function parseSourceDir(value: unknown): string {
  const given = value === undefined ? process.cwd() : resolve(parseText('sourceDir', value));
  if (value === undefined && (given === parse(given).root || given === homedir())) {
    throw invalidArgument(
      'sourceDir',
      'a directory, because the current one is the root or the home directory',
      undefined,
    );
  }
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalidArgument('sourceDir', 'an existing directory', given);
  }
  return given;
}

function parseWorkspaceDir(value: unknown, sourceDir: string): string {
  if (value === 'host') return asCompanionPath(sourceDir);
  return parseCompanionPath('workspaceDir', value ?? '/workspace');
}

/** A host path as a path inside: itself, or `C:\x` as `/c/x`, which is what container engines on Windows do. */
function asCompanionPath(hostPath: string): string {
  const drive = /^([a-z]):[\\/]/i.exec(hostPath);
  if (drive?.[1] === undefined) return hostPath;
  return `/${drive[1].toLowerCase()}/${hostPath.slice(3).replaceAll('\\', '/')}`;
}

function parseCompanionPath(what: string, value: unknown): string {
  const path = parseText(what, value);
  if (!posix.isAbsolute(path)) throw invalidArgument(what, 'an absolute path inside the companion', path);
  const normalized = posix.normalize(path);
  return normalized.length > 1 && normalized.endsWith('/') ? normalized.slice(0, -1) : normalized;
}

function parseImage(value: unknown, sourceDir: string): ImageRequest {
  if (typeof value === 'string') {
    return Object.freeze({
      reference: parseReference(value),
      platform: undefined,
      pull: 'missing',
    });
  }
  const image = parseRecord('image', value);
  if ('build' in image) {
    parseKeys('image', image, ['build']);
    const build = parseRecord('image.build', image.build);
    parseKeys('image.build', build, ['context', 'dockerfile', 'target', 'args']);
    return Object.freeze({
      build: Object.freeze({
        context: resolve(sourceDir, parseText('image.build.context', build.context)),
        dockerfile: parseOptional('image.build.dockerfile', build.dockerfile, parseText),
        target: parseOptional('image.build.target', build.target, parseText),
        args: Object.freeze(parseTextRecord('image.build.args', build.args ?? {})),
      }),
    });
  }
  parseKeys('image', image, ['reference', 'platform', 'pull']);
  return Object.freeze({
    reference: parseReference(image.reference),
    platform: parseOptional('image.platform', image.platform, parseText),
    pull: parseOneOf('image.pull', image.pull ?? 'missing', ['missing', 'always', 'never']),
  });
}

function parseReference(value: unknown): string {
  const reference = parseText('image', value);
  if (/\s/.test(reference)) throw invalidArgument('image', 'a reference without spaces', reference);
  return reference;
}

function parseHostEnv(value: unknown): Settings['hostEnv'] {
  if (value === 'inherit' || value === 'minimal') return value;
  if (Array.isArray(value)) return Object.freeze(value.map((name) => parseText('hostEnv', name)));
  throw invalidArgument('hostEnv', "'inherit', 'minimal' or an array of variable names", value);
}

function parseLimits(value: unknown): Limits | undefined {
  if (value === undefined) return undefined;
  const limits = parseRecord('limits', value);
  parseKeys('limits', limits, ['memoryBytes', 'cpus', 'processes']);
  return Object.freeze({
    memoryBytes: parseOptional('limits.memoryBytes', limits.memoryBytes, parsePositiveInteger),
    cpus: parseOptional('limits.cpus', limits.cpus, parsePositive),
    processes: parseOptional('limits.processes', limits.processes, parsePositiveInteger),
  });
}

function parseRequirements(_what: string, value: unknown): Requirements {
  const requirements = parseRecord('requires', value);
  for (const [key, wanted] of Object.entries(requirements)) {
    const allowed = Object.hasOwn(CAPABILITY_VALUES, key) ? CAPABILITY_VALUES[key] : undefined;
    if (allowed === undefined) {
      throw invalidArgument('requires', `capabilities (${Object.keys(CAPABILITY_VALUES).join(', ')})`, key);
    }
    if (wanted === undefined) continue;
    const values: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
    for (const item of values) {
      if (!allowed.includes(item)) throw invalidArgument(`requires.${key}`, allowed.join(' or '), item);
    }
    if (values.length === 0) throw invalidArgument(`requires.${key}`, 'at least one value', wanted);
  }
  return requirements as Requirements;
}

export function parseUser(what: string, value: unknown): 'host' | 'image' | User {
  if (value === 'host' || value === 'image') return value;
  if (typeof value !== 'object' || value === null) {
    throw invalidArgument(what, "'host', 'image' or { uid, gid }", value);
  }
  const user = value as Record<string, unknown>;
  parseKeys(what, user, ['uid', 'gid']);
  return Object.freeze({ uid: parseId(`${what}.uid`, user.uid), gid: parseId(`${what}.gid`, user.gid) });
}

function parseId(what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xff_ff_ff_fe) {
    throw invalidArgument(what, 'an id of 0 or more', value);
  }
  return value;
}

export function parseDirectory(what: string, value: unknown): Directory {
  if (typeof value === 'object' && value !== null && 'hostPath' in value) {
    parseKeys(what, value, ['hostPath']);
    return Object.freeze({ hostPath: parseText(`${what}.hostPath`, value.hostPath) });
  }
  return parseText(what, value);
}

export function parseVariables(what: string, value: unknown): EnvironmentVariables {
  const variables = parseSecretRecord(what, value);
  const parsed: Record<string, string | undefined> = {};
  for (const [key, content] of Object.entries(variables)) {
    if (key === '' || key.includes('=') || key.includes('\0')) {
      throw invalidArgument(what, "variable names without '=' and zero bytes", key);
    }
    // A variable's value is never shown: it may be a secret.
    if (content !== undefined && (typeof content !== 'string' || content.includes('\0'))) {
      throw invalidSecretArgument(`${what}.${key}`, 'a string without zero bytes, or undefined', content);
    }
    parsed[key] = content;
  }
  return Object.freeze(parsed);
}
