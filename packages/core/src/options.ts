import type { Backend, Capabilities, TerminalSize, User } from './backend.js';
import type { EventListener } from './events.js';

/** What `createCompanion()`, `startCompanion()` and `explainSelection()` take. Unknown keys are refused. */
export interface CompanionOptions {
  /** Short name; containers are named `companion-<name>-<suffix>`. Default: `companion`. */
  readonly name?: string;
  /**
   * Host directory, relative to the current one; visible inside at `workspaceDir`. Default: the current directory,
   * refused when that is `/` or the home directory (programs started from a desktop): then pass it.
   */
  readonly sourceDir?: string;
  /** Companion path of `sourceDir`, or `'host'` for its own host path. Default: `/workspace`. */
  readonly workspaceDir?: string;
  /** Needed by container backends; elsewhere it only guides selection (see `fallback`). */
  readonly image?: string | ImageOptions | ImageBuildOptions;
  /** This backend and no other: never falls back. Default: `COMPANION_BACKEND`, else automatic. */
  readonly preferredBackend?: string;
  /**
   * Whether a backend that shares this machine's filesystem may serve although an image is given.
   * Default: true; `runner.selection.fellBack` tells.
   */
  readonly fallback?: boolean;
  /** Candidates instead of the registered ones. */
  readonly backends?: readonly Backend[];
  /** Capabilities a candidate must have: a value, or several of which one suffices. */
  readonly requires?: Requirements;
  readonly mounts?: readonly (string | MountOptions)[];
  readonly ports?: readonly (number | PortOptions)[];
  /** On top of the environment's own; `undefined` removes a variable. */
  readonly env?: EnvironmentVariables;
  /**
   * What a shared backend takes from this process: everything, what a shell session needs (`PATH`, `HOME`, locale,
   * temporary directory, …), or that plus the variables named. Default: `inherit`.
   */
  readonly hostEnv?: 'inherit' | 'minimal' | readonly string[];
  /** Default directory of processes. Default: where `sourceDir` is visible. */
  readonly workDir?: Directory;
  /** Default: `host` (files written to mounts belong to the caller). */
  readonly user?: 'host' | 'image' | User;
  /** An idle environment (default), or with `false` one that runs a main process: {@link CompanionRunner.main}. */
  readonly pause?: boolean;
  /** Overrides the image's entrypoint; only with `pause: false`. */
  readonly entrypoint?: readonly string[];
  /** Overrides the image's command; only with `pause: false`. Backends without images need it. */
  readonly command?: readonly string[];
  /** Refused where the backend cannot enforce them. */
  readonly limits?: LimitOptions;
  /** Default: `default`. `none` is refused where the backend cannot enforce it. */
  readonly network?: 'default' | 'none';
  /** The environment (not its processes) outlives this process and is found again. Default: false. */
  readonly reuse?: boolean;
  /** Per backend; typed by the backend's own package. */
  readonly backendOptions?: BackendOptions;
  readonly onEvent?: EventListener;
}

/** Backends add their options here by declaration merging, under their name. */
// biome-ignore lint/suspicious/noEmptyInterface: merged into by backend packages
export interface BackendOptions {}

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** A companion path (relative: from the default directory), or a host path (relative: from `sourceDir`). */
export type Directory = string | { readonly hostPath: string };

export type Requirements = {
  readonly [K in keyof Capabilities]?: Capabilities[K] | readonly Capabilities[K][];
};

export interface ImageOptions {
  /** Tag or digest: `node:24`, `registry.example/tool@sha256:…`. */
  readonly reference: string;
  /** `linux/amd64`, `linux/arm64`, … Default: the engine's own. */
  readonly platform?: string;
  /** Default: `missing`. */
  readonly pull?: 'missing' | 'always' | 'never';
}

export interface ImageBuildOptions {
  readonly build: {
    /** Host directory, relative to `sourceDir`. */
    readonly context: string;
    readonly dockerfile?: string;
    readonly target?: string;
    readonly args?: Readonly<Record<string, string>>;
  };
}

export interface MountOptions {
  /** Host file or directory that exists, relative to `sourceDir`. */
  readonly hostPath: string;
  /** Absolute. Default: the host path itself. */
  readonly companionPath?: string;
  /** Default: false. Needs a filesystem of its own. */
  readonly readOnly?: boolean;
  /** Must truly be there: a backend that would translate paths is refused. Default: false. */
  readonly strict?: boolean;
}

export interface PortOptions {
  /** Default: any free one, known after `init()`. */
  readonly companionPort?: number;
  /** Default: any (on a shared network the companion port itself). */
  readonly hostPort?: number;
  /** For `endpoint(name)`. */
  readonly name?: string;
}

export interface LimitOptions {
  readonly memoryBytes?: number;
  /** In processors; fractions allowed. */
  readonly cpus?: number;
  readonly processes?: number;
}

/** What a process may be told when it starts. */
export interface SpawnOptions {
  readonly cwd?: Directory;
  /** On top of the companion's; `undefined` removes a variable. */
  readonly env?: EnvironmentVariables;
  /** `pipe` (default of `spawn()`), `ignore` (end-of-file at once), `inherit` (this process's own). */
  readonly stdin?: 'pipe' | 'ignore' | 'inherit';
  readonly tty?: TerminalSize;
  readonly user?: User;
  /** Aborting stops the process (or its start). */
  readonly signal?: AbortSignal;
  /** Between TERM and KILL when `signal` aborts, in milliseconds. Default: 3000. */
  readonly killGraceMs?: number;
}

/** What a process that runs to completion may be told. */
export interface RunOptions {
  readonly cwd?: Directory;
  readonly env?: EnvironmentVariables;
  readonly tty?: TerminalSize;
  readonly user?: User;
  /** Standard input; without it the process reads end-of-file. */
  readonly input?: string | Uint8Array | AsyncIterable<string | Uint8Array>;
  /** Aborting stops the process; the call rejects with `COMPANION_ABORTED`. */
  readonly signal?: AbortSignal;
  /** Stops the process after so long. Default: none. */
  readonly timeoutMs?: number;
  /** Between TERM and KILL, in milliseconds. Default: 3000. */
  readonly killGraceMs?: number;
  /** Of stdout and stderr together; more stops the process. Default: 100 MB (100,000,000). */
  readonly maxOutputBytes?: number;
  /** Called for every line as it comes, without its line break. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /**
   * Default: true: anything but code 0 rejects with {@link CommandFailedError}. `false` returns every verdict;
   * what has no verdict (not found, lost, wrong state, abort, too much output) still rejects.
   */
  readonly reject?: boolean;
}
