/** What only containers have: `backendOptions.docker`. */
export interface DockerOptions {
  /** The engine, as in `DOCKER_HOST`: `unix:///run/podman/podman.sock`. Default: as the docker command finds it. */
  readonly host?: string | undefined;
  /** The engine, by the name of a docker context. Not together with `host`. */
  readonly context?: string | undefined;
  /** Capabilities on top of the engine's usual ones, for processes: `['SYS_PTRACE']`, `['ALL']`. */
  readonly capAdd?: readonly string[] | undefined;
  /** Capabilities that processes do not get: `['ALL']`. */
  readonly capDrop?: readonly string[] | undefined;
  /** The image's files cannot be changed; HOME and `/tmp` are in memory. Default: false. */
  readonly readOnlyRoot?: boolean | undefined;
  /** Directories in memory: companion paths, and how large each may become. */
  readonly tmpfs?: readonly (string | TmpfsOptions)[] | undefined;
  /** Size of `/dev/shm`. Default: the engine's, 64 MiB. */
  readonly shmBytes?: number | undefined;
  /** `all`, how many, or their ids. */
  readonly gpus?: 'all' | number | readonly string[] | undefined;
  /** As after `--security-opt`: `no-new-privileges`, `seccomp=profile.json` (a host path). */
  readonly securityOptions?: readonly string[] | undefined;
  /** Networks that exist, instead of the engine's default one. */
  readonly networks?: readonly (string | NetworkOptions)[] | undefined;
  /** Names and their addresses; `host-gateway` is the engine's host. */
  readonly extraHosts?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Companion paths at which a volume of that name is kept from one companion to the next. */
  readonly caches?: Readonly<Record<string, string>> | undefined;
  /** Mounts the engine's own socket: who can open it is root on the engine's host. Default: false. */
  readonly engineSocket?: boolean | undefined;
  /** Ports that the engine itself publishes, besides those of `ports`. */
  readonly publish?: readonly PublishOptions[] | undefined;
}

export interface TmpfsOptions {
  readonly path: string;
  /** Default: half of the memory. */
  readonly sizeBytes?: number | undefined;
}

export interface NetworkOptions {
  readonly name: string;
  /** Other names by which those on the same network find this one. */
  readonly aliases?: readonly string[] | undefined;
}

export interface PublishOptions {
  readonly companionPort: number;
  /** Default: any free one. */
  readonly hostPort?: number | undefined;
  /** Default: `tcp`. */
  readonly protocol?: 'tcp' | 'udp' | undefined;
  /** Of the engine's host. Default: `127.0.0.1`; `0.0.0.0` is everybody who reaches that host. */
  readonly address?: string | undefined;
}

declare module '@companion/core' {
  interface BackendOptions {
    readonly docker?: DockerOptions | undefined;
  }
}

interface Check {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && !value.includes('\0');
const isPath = (value: unknown): boolean => isText(value) && value.startsWith('/');
const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
const isPort = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf = (holds: (item: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(holds);
const isRecordOf =
  (holdsKey: (key: unknown) => boolean, holds: (item: unknown) => boolean) => (value: unknown) =>
    isRecord(value) && Object.entries(value).every(([key, item]) => holdsKey(key) && holds(item));

/** An object with these members and no others; those after `required` may be missing. */
function isObjectOf(required: Record<string, Check['holds']>, optional: Record<string, Check['holds']>) {
  return (value: unknown): boolean =>
    isRecord(value) &&
    Object.entries(required).every(([name, holds]) => holds(value[name])) &&
    Object.entries(value).every(([name, item]) => {
      if (name in required) return true;
      return name in optional && (item === undefined || optional[name]?.(item) === true);
    });
}

const isTmpfs = isObjectOf({ path: isPath }, { sizeBytes: isSize });
const isNetwork = isObjectOf({ name: isText }, { aliases: isListOf(isText) });
const isPublished = isObjectOf(
  { companionPort: isPort },
  { hostPort: isPort, protocol: (value) => value === 'tcp' || value === 'udp', address: isText },
);
/** As volumes are named: a path would be a mount of the host. */
const isVolumeName = (value: unknown): boolean => isText(value) && /^[a-zA-Z0-9][\w.-]*$/.test(value);
const isAnyString = (value: unknown): boolean => typeof value === 'string';

const CHECKS: Readonly<Record<keyof DockerOptions, Check>> = {
  host: { expected: 'an address such as unix:///var/run/docker.sock', holds: isText },
  context: { expected: 'the name of a docker context', holds: isText },
  capAdd: { expected: 'a list of capabilities', holds: isListOf(isText) },
  capDrop: { expected: 'a list of capabilities', holds: isListOf(isText) },
  readOnlyRoot: { expected: 'true or false', holds: isFlag },
  tmpfs: {
    expected: 'a list of absolute paths or { path, sizeBytes }',
    holds: isListOf((one) => isPath(one) || isTmpfs(one)),
  },
  shmBytes: { expected: 'a whole number above 0', holds: isSize },
  gpus: {
    expected: "'all', a number or a list of ids",
    holds: (value) => value === 'all' || isSize(value) || isListOf(isText)(value),
  },
  securityOptions: { expected: 'a list of texts such as no-new-privileges', holds: isListOf(isText) },
  networks: {
    expected: 'a list of names or { name, aliases }',
    holds: isListOf((one) => isText(one) || isNetwork(one)),
  },
  extraHosts: { expected: 'names and their addresses', holds: isRecordOf(isText, isText) },
  labels: { expected: 'names and their texts', holds: isRecordOf(isText, isAnyString) },
  caches: { expected: 'absolute paths and the names of volumes', holds: isRecordOf(isPath, isVolumeName) },
  engineSocket: { expected: 'true or false', holds: isFlag },
  publish: {
    expected: 'a list of { companionPort, hostPort?, protocol?, address? }',
    holds: isListOf(isPublished),
  },
};

/** Throws a `TypeError` that names the option; values may be secrets and are not shown. */
export function checkedOptions(options: unknown): DockerOptions {
  if (options === undefined) return {};
  if (!isRecord(options)) throw new TypeError('backendOptions.docker: expected an object');
  const names = Object.keys(CHECKS).join(', ');
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof DockerOptions] : undefined;
    if (check === undefined)
      throw new TypeError(`backendOptions.docker: expected only ${names}, got ${name}`);
    if (value !== undefined && !check.holds(value)) {
      throw new TypeError(`backendOptions.docker.${name}: expected ${check.expected}`);
    }
  }
  if (options.host !== undefined && options.context !== undefined) {
    throw new TypeError('backendOptions.docker: expected host or context, got both');
  }
  return options;
}
