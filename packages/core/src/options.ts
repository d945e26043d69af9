import type { Backend, Capabilities, TerminalSize, User } from './backend.js';
import type { EventListener } from './events.js';

/** What `createCompanion()`, `startCompanion()` and `explainSelection()` take. Unknown keys are refused. */
export interface CompanionOptions {
  /** Short name; containers are named `companion-<name>-<suffix>`. Default: `companion`. */
  readonly name?: string | undefined;
  /**
   * Host directory, relative to the current one; visible inside at `workspaceDir`. Default: the current directory,
   * refused when that is `/` or the home directory (programs started from a desktop): then pass it.
   */
  readonly sourceDir?: string | undefined;
  /** Companion path of `sourceDir`, or `'host'` for its own host path. Default: `/workspace`. */
  readonly workspaceDir?: string | undefined;
  /** Needed by container backends; elsewhere it only guides selection (see `fallback`). */
  readonly image?: string | ImageOptions | ImageBuildOptions | undefined;
  /** This backend and no other: never falls back. Default: `COMPANION_BACKEND`, else automatic. */
  readonly preferredBackend?: string | undefined;
  /**
   * Whether a backend that shares this machine's filesystem may serve although an image is given.
   * Default: true; `runner.selection.fellBack` tells.
   */
  readonly fallback?: boolean | undefined;
  /** Candidates instead of the registered ones. */
  readonly backends?: readonly Backend[] | undefined;
  /** Capabilities a candidate must have: a value, or several of which one suffices. */
  readonly requires?: Requirements | undefined;
  readonly mounts?: readonly (string | MountOptions)[];
  readonly ports?: readonly (number | PortOptions)[];
  /** On top of the environment's own; `undefined` removes a variable. */
  readonly env?: EnvironmentVariables | undefined;
  /**
   * What a shared backend takes from this process: everything, what a shell session needs (`PATH`, `HOME`, locale,
   * temporary directory, …), or that plus the variables named. Default: `inherit`.
   */
  readonly hostEnv?: 'inherit' | 'minimal' | readonly string[] | undefined;
  /** Default directory of processes. Default: where `sourceDir` is visible. */
  readonly workDir?: Directory | undefined;
  /** Default: `host` (files written to mounts belong to the caller). */
  readonly user?: 'host' | 'image' | User | undefined;
  /** An idle environment (default), or with `false` one that runs a main process: {@link CompanionRunner.main}. */
  readonly pause?: boolean | undefined;
  /** Overrides the image's entrypoint; only with `pause: false`. */
  readonly entrypoint?: readonly string[] | undefined;
  /** Overrides the image's command; only with `pause: false`. Backends without images need it. */
  readonly command?: readonly string[] | undefined;
  /** Refused where the backend cannot enforce them. */
  readonly limits?: LimitOptions | undefined;
  /** Default: `default`. `none` is refused where the backend cannot enforce it. */
  readonly network?: 'default' | 'none' | undefined;
  /** The environment (not its processes) outlives this process and is found again. Default: false. */
  readonly reuse?: boolean | undefined;
  /** Per backend; typed by the backend's own package. */
  readonly backendOptions?: BackendOptions | undefined;
  readonly onEvent?: EventListener | undefined;
}

/** Backends add their options here by declaration merging, under their name. */
// biome-ignore lint/suspicious/noEmptyInterface: merged into by backend packages
export interface BackendOptions {}

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** A companion path (relative: from the default directory), or a host path (relative: from `sourceDir`). */
export type Directory = string | { readonly hostPath: string };

export type Requirements = {
  readonly [K in keyof Capabilities]?: Capabilities[K] | readonly Capabilities[K][] | undefined;
};

export interface ImageOptions {
  /** Tag or digest: `node:24`, `registry.example/tool@sha256:…`. */
  readonly reference: string;
  /** `linux/amd64`, `linux/arm64`, … Default: the engine's own. */
  readonly platform?: string | undefined;
  /** Default: `missing`. */
  readonly pull?: 'missing' | 'always' | 'never' | undefined;
}

export interface ImageBuildOptions {
  readonly build: {
    /** Host directory, relative to `sourceDir`. */
    readonly context: string;
    readonly dockerfile?: string | undefined;
    readonly target?: string | undefined;
    readonly args?: Readonly<Record<string, string>> | undefined;
  };
}

export interface MountOptions {
  /** Host file or directory that exists, relative to `sourceDir`. */
  readonly hostPath: string;
  /** Absolute. Default: the host path itself. */
  readonly companionPath?: string | undefined;
  /** Default: false. Needs a filesystem of its own. */
  readonly readOnly?: boolean | undefined;
  /** Must truly be there: a backend that would translate paths is refused. Default: false. */
  readonly strict?: boolean | undefined;
}

export interface PortOptions {
  /** Default: any free one, known after `init()`. */
  readonly companionPort?: number | undefined;
  /** Default: any (on a shared network the companion port itself). */
  readonly hostPort?: number | undefined;
  /** For `endpoint(name)`. */
  readonly name?: string | undefined;
}

export interface LimitOptions {
  readonly memoryBytes?: number | undefined;
  /** In processors; fractions allowed. */
  readonly cpus?: number | undefined;
  readonly processes?: number | undefined;
}

/** What a process may be told when it starts. */
export interface SpawnOptions {
  readonly cwd?: Directory | undefined;
  /** On top of the companion's; `undefined` removes a variable. */
  readonly env?: EnvironmentVariables | undefined;
  /** `pipe` (default of `spawn()`), `ignore` (end-of-file at once), `inherit` (this process's own). */
  readonly stdin?: 'pipe' | 'ignore' | 'inherit' | undefined;
  readonly tty?: TerminalSize | undefined;
  readonly user?: User | undefined;
  /** Aborting stops the process (or its start). */
  readonly signal?: AbortSignal | undefined;
  /** Between TERM and KILL when `signal` aborts, in milliseconds. Default: 3000. */
  readonly killGraceMs?: number | undefined;
}

/** What a process that runs to completion may be told. */
export interface RunOptions {
  readonly cwd?: Directory | undefined;
  readonly env?: EnvironmentVariables | undefined;
  readonly tty?: TerminalSize | undefined;
  readonly user?: User | undefined;
  /** Standard input; without it the process reads end-of-file. */
  readonly input?: string | Uint8Array | AsyncIterable<string | Uint8Array> | undefined;
  /** Aborting stops the process; the call rejects with `COMPANION_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Stops the process after so long. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Between TERM and KILL, in milliseconds. Default: 3000. */
  readonly killGraceMs?: number | undefined;
  /** Of stdout and stderr together; more stops the process. Default: 100 MB (100,000,000). */
  readonly maxOutputBytes?: number | undefined;
  /** Called for every line as it comes, without its line break. */
  readonly onLine?: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined;
  /**
   * Default: true: anything but code 0 rejects with {@link CommandFailedError}. `false` returns every verdict;
   * what has no verdict (not found, lost, wrong state, abort, too much output) still rejects.
   */
  readonly reject?: boolean | undefined;
}
