import type { CompanionOptions, ImageOptions } from '@companion/core';
import { usageError } from './command-line-error.js';
import { type OptionTable, type OptionValues, parseOptions } from './option-table.js';
import {
  parseBytes,
  parseHostEnv,
  parseMount,
  parseNetwork,
  parseNumber,
  parsePort,
  parseRequirements,
  parseSource,
  parseUser,
  parseVariables,
} from './option-values.js';

export const RUN_OPTIONS = {
  backend: {
    value: 'NAME',
    help: 'this backend and no other: docker, nix, local, or one of --load\n(also: COMPANION_BACKEND)',
  },
  load: {
    value: 'MODULE[#EXPORT]',
    multiple: true,
    help: 'a backend of your own or from elsewhere: a file or a package',
  },
  image: { value: 'REFERENCE', help: 'image for container backends: node:24, name@sha256:…' },
  pull: { value: 'WHEN', help: 'missing (default), always or never' },
  platform: { value: 'OS/ARCH', help: "of the image; default: the engine's own" },
  'no-fallback': { help: 'fail where the image cannot be used, rather than run on this machine' },
  require: {
    value: 'KEY=VALUE[,VALUE]',
    multiple: true,
    help: 'a capability the backend must have; refuse this machine with\n--require filesystem=bound,copied',
  },
  source: { value: 'DIRECTORY', help: 'visible inside at /workspace; default: the current directory' },
  workspace: { value: 'PATH', help: 'where inside instead of /workspace; host: its own path' },
  mount: {
    value: 'HOST[:INSIDE][:ro]',
    multiple: true,
    help: 'a file or directory to see inside; ro: read-only, strict: truly there,\nnot by translated paths',
  },
  port: {
    short: 'p',
    value: '[NAME=][HOST:]PORT',
    multiple: true,
    help: 'reach a port inside from this machine, on 127.0.0.1',
  },
  env: {
    short: 'e',
    value: 'NAME[=VALUE]',
    multiple: true,
    help: "a variable; without a value it has this process's",
  },
  'host-env': {
    value: 'WHAT',
    help: 'what a backend on this machine takes from this process: inherit\n(default), minimal, or minimal and NAME,NAME,…',
  },
  cwd: { short: 'w', value: 'DIRECTORY', help: 'inside; relative ones from where --source is visible' },
  user: { short: 'u', value: 'WHO', help: 'host (default: files belong to you), image, or UID:GID' },
  network: { value: 'default|none', help: 'none: no network, or refuse' },
  memory: { value: 'BYTES', help: 'limit, or refuse: 512m, 2g' },
  cpus: { value: 'NUMBER', help: 'limit, or refuse: 1.5' },
  processes: { value: 'NUMBER', help: 'limit, or refuse' },
  name: { value: 'NAME', help: 'of the environment; containers are named companion-NAME-…' },
  timeout: { value: 'SECONDS', help: 'end the command after so long; the exit code is then 124' },
  'no-tty': { help: 'no terminal inside, even where both ends are one' },
  json: { help: "the result as JSON on stdout; the command's stdout and stderr on stderr" },
  verbose: { help: 'tell what happens, on stderr' },
  quiet: { short: 'q', help: 'say nothing on stderr but errors' },
} as const satisfies OptionTable;

/** What `companion run` was asked for. */
export interface RunRequest {
  readonly options: CompanionOptions;
  /** Modules with backends. */
  readonly load: readonly string[];
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly tty: boolean;
  readonly output: 'plain' | 'json';
  readonly talk: 'normal' | 'verbose' | 'quiet';
}

/** Reads the arguments of `companion run`. @throws CommandLineError */
export function parseRun(args: readonly string[], env: NodeJS.ProcessEnv): RunRequest {
  const { values, rest } = parseOptions(args, RUN_OPTIONS, (argument) =>
    usageError(
      `unexpected "${argument}"`,
      `The command stands behind two dashes: companion run -- ${argument} …`,
    ),
  );
  const [file, ...others] = rest ?? [];
  if (file === undefined || file === '') {
    throw usageError('no command to run', 'It stands behind two dashes: companion run -- node --version');
  }
  if (values.verbose && values.quiet) throw usageError('--verbose and --quiet exclude each other');
  return {
    options: companionOptions(values, env),
    load: values.load,
    file,
    args: others,
    cwd: values.cwd,
    timeoutMs:
      values.timeout === undefined ? undefined : parseNumber('--timeout', values.timeout, 'seconds') * 1000,
    tty: !values['no-tty'],
    output: values.json ? 'json' : 'plain',
    talk: values.verbose ? 'verbose' : values.quiet ? 'quiet' : 'normal',
  };
}

type Values = OptionValues<typeof RUN_OPTIONS>;

type PlaceValues = Pick<
  Values,
  | 'source'
  | 'workspace'
  | 'image'
  | 'pull'
  | 'platform'
  | 'no-fallback'
  | 'mount'
  | 'env'
  | 'host-env'
  | 'user'
  | 'network'
>;

/** What decides which programs there are and what they see. @throws CommandLineError */
export function placeOptions(values: PlaceValues, env: NodeJS.ProcessEnv): CompanionOptions {
  return definedOf({
    sourceDir: parseSource(values.source),
    workspaceDir: values.workspace,
    image: parseImage(values),
    fallback: values['no-fallback'] ? false : undefined,
    mounts: values.mount.map(parseMount),
    env: parseVariables(values.env, env),
    hostEnv: parseHostEnv(values['host-env']),
    user: parseUser(values.user),
    network: parseNetwork(values.network),
  });
}

function companionOptions(values: Values, env: NodeJS.ProcessEnv): CompanionOptions {
  const limits = definedOf({
    memoryBytes: values.memory === undefined ? undefined : parseBytes('--memory', values.memory),
    cpus: values.cpus === undefined ? undefined : parseNumber('--cpus', values.cpus, 'processors'),
    processes:
      values.processes === undefined ? undefined : parseNumber('--processes', values.processes, 'processes'),
  });
  return definedOf({
    ...placeOptions(values, env),
    name: values.name,
    preferredBackend: values.backend,
    requires: parseRequirements(values.require),
    ports: values.port.map(parsePort),
    limits: Object.keys(limits).length === 0 ? undefined : limits,
  });
}

/** Core tells an absent option from one that is `undefined`, as types with `exactOptionalPropertyTypes` do. */
function definedOf<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const defined = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function parseImage({ image, pull, platform }: PlaceValues): string | ImageOptions | undefined {
  if (image === undefined) {
    if ((pull ?? platform) === undefined) return undefined;
    throw usageError(`${pull === undefined ? '--platform' : '--pull'} needs an --image`);
  }
  if (pull !== undefined && pull !== 'missing' && pull !== 'always' && pull !== 'never') {
    throw usageError(`--pull: expected missing, always or never, got "${pull}"`);
  }
  if ((pull ?? platform) === undefined) return image;
  return {
    reference: image,
    ...(pull === undefined ? {} : { pull }),
    ...(platform === undefined ? {} : { platform }),
  };
}
