/**
 * What a backend author implements. This file imports nothing of core: it is the contract, and the entry
 * `@companion/core/backend`. A backend is a plain object that core wraps; there is no base class, because it has
 * to survive two copies of core in one process.
 *
 * Coordinates: a *host path* names a place on the machine that runs this process, a *companion path* names a place
 * as processes inside the environment see it.
 */
import type { Duplex, Readable, Writable } from 'node:stream';

/** Version of this contract. A backend states the version it implements in {@link Backend.spec}. */
export const SPEC_VERSION = 1;

/** Registered by an environment's package; chosen by core. Every member is read, none is written. */
export interface Backend {
  readonly spec: typeof SPEC_VERSION;
  /** Unique, lower-case: `docker`, `nix`, `local`. */
  readonly name: string;
  /** Higher is asked first: docker 300, nix 200, local 100. */
  readonly priority: number;
  /** The best this backend can do, known before any I/O. `detect()` may lower it for this machine. */
  readonly capabilities: Capabilities;
  /**
   * Tells whether this backend can serve the request on this machine now. Called concurrently with other backends'
   * probes, without side effects, and given up after 5 s. It should answer "no" with a reason rather than reject.
   */
  detect(request: EnvironmentRequest, options: Abortable): Promise<Detection>;
  /**
   * Throws a `TypeError` for `backendOptions[name]` that are the caller's mistake, which then ends the selection: with
   * another backend, nobody would hear of it. Called before `detect()` where any are given, without I/O.
   */
  checkOptions?(options: unknown): void;
  /** Makes the environment object without I/O. Core calls it in `init()`, when the request is final. */
  create(request: EnvironmentRequest): Environment;
  /**
   * Environments that exist now, whoever made them, for `companion ps` and `companion prune`: where something can outlive
   * the process that made it. Rejects when that cannot be told.
   */
  existing?(options: Abortable): Promise<readonly ExistingEnvironment[]>;
}

/** An environment as somebody finds it who has not made it. */
export interface ExistingEnvironment {
  /** What the backend's own tools call it. */
  readonly id: string;
  /** The companion's name. */
  readonly name: string;
  readonly state: 'running' | 'stopped';
  readonly createdAt: Date;
  /** Whether the process that made it runs. `unknown`: it is another machine's, or nothing says so. */
  readonly owner: 'alive' | 'gone' | 'unknown';
  /** It outlives its owner (`reuse`). */
  readonly kept: boolean;
  /** A companion is in it now. */
  readonly inUse: boolean;
  /** Ends and removes it. Resolves also when it has gone by itself. */
  remove(): Promise<void>;
}

/** What every backend can be asked, so that nobody decides by omission. */
export interface Capabilities {
  /** `shared`: host paths are valid inside. `bound`: own root, mounts bound. `copied`: own root, files copied. */
  readonly filesystem: 'shared' | 'bound' | 'copied';
  /** `shared`: a port bound inside is bound on the host. */
  readonly network: 'shared' | 'private';
  /** `shared`: process ids inside are process ids of the host. */
  readonly processes: 'shared' | 'private';
  /** A process can run as another user than the environment's own. */
  readonly user: boolean;
  /** `kill()` delivers any signal; otherwise TERM and KILL only. */
  readonly signals: boolean;
  /** `kill(…, 'tree')` reaches descendants, also those that called `setsid`. */
  readonly killTree: boolean;
  /** {@link BackendProcess.descendants} exists. */
  readonly descendants: boolean;
  /** A process can have a terminal. */
  readonly tty: boolean;
  /** Memory, processor and process limits are enforced. */
  readonly limits: boolean;
  /** `network: 'none'` is enforced. */
  readonly networkNone: boolean;
  /** What becomes of processes when the process that holds the companion is SIGKILLed. */
  readonly ownerDeath: 'killed' | 'survives';
}

/** A backend's answer for one request on this machine. */
export type Detection =
  | {
      readonly available: true;
      /** Evidence for humans: an endpoint, a version. */
      readonly detail?: string;
      /** This machine's truth where it is less than {@link Backend.capabilities}. Never raises. */
      readonly lowered?: Partial<Capabilities>;
    }
  | {
      readonly available: false;
      /** One clause: why not. */
      readonly reason: string;
      /** What the user can do about it. */
      readonly hint?: string;
      readonly cause?: unknown;
    };

/** What is asked of an environment: validated, normalised, complete and frozen. */
export interface EnvironmentRequest {
  /** Unique per runner: twelve lower-case hexadecimal digits. */
  readonly id: string;
  /** `[a-z0-9][a-z0-9_.-]*`, at most 40 characters. */
  readonly name: string;
  /** Absolute host path of an existing directory, as the caller wrote it (symbolic links unresolved). */
  readonly sourceDir: string;
  /** Companion path at which `sourceDir` is visible. */
  readonly workspaceDir: string;
  /** Default directory of processes: companion path; on a shared filesystem already translated. */
  readonly workDir: string;
  readonly image: ImageRequest | undefined;
  /** Without `sourceDir`, in the order given. */
  readonly mounts: readonly Mount[];
  readonly ports: readonly PortRequest[];
  /** Variables on top of the environment's own. */
  readonly env: Readonly<Record<string, string>>;
  /** What a shared backend may take from this process; others ignore it. */
  readonly hostEnv: Readonly<Record<string, string>>;
  readonly user: 'host' | 'image' | User;
  readonly limits: Limits | undefined;
  readonly network: 'default' | 'none';
  /** Set when `pause` is false: the environment runs a main process of its own. */
  readonly main: MainProcess | undefined;
  readonly reuse: false | { readonly fingerprint: string };
  /** The value of `backendOptions[name]`, as the caller gave it. */
  readonly backendOptions: unknown;
  emit(event: CompanionEvent): void;
}

/** An image by reference (tag or digest), or a build; never both. */
export type ImageRequest =
  | {
      readonly reference: string;
      readonly platform: string | undefined;
      readonly pull: 'missing' | 'always' | 'never';
    }
  | {
      readonly build: {
        /** Absolute host path. */
        readonly context: string;
        /** Relative to `context`. */
        readonly dockerfile: string | undefined;
        readonly target: string | undefined;
        readonly args: Readonly<Record<string, string>>;
      };
    };

/** A host file or directory, visible inside at `companionPath`. */
export interface Mount {
  /** Absolute; exists. */
  readonly hostPath: string;
  /** Absolute POSIX path. */
  readonly companionPath: string;
  readonly readOnly: boolean;
  /** Must truly be there: translation of paths is not enough. */
  readonly strict: boolean;
}

export interface PortRequest {
  readonly name: string | undefined;
  /** 1–65535. In `detect()` 0 stands for "any free one"; in `create()` core has chosen it. */
  readonly companionPort: number;
  /** 1–65535, or `undefined` for any. */
  readonly hostPort: number | undefined;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface Limits {
  readonly memoryBytes: number | undefined;
  /** In processors; fractions allowed. */
  readonly cpus: number | undefined;
  readonly processes: number | undefined;
}

/** What `pause: false` runs; `undefined` members mean the image's own. */
export interface MainProcess {
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
}

export interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

/** One live environment. Core never calls two transitions at once. */
export interface Environment {
  /** Rejecting or aborting leaves nothing behind. Works again after `stop()`. */
  start(options: Abortable): Promise<Started>;
  /** Rejects with `COMMAND_NOT_FOUND`, `COMMAND_NOT_EXECUTABLE` or `WORK_DIR_NOT_FOUND` when nothing was started. */
  spawn(command: Command, options: Abortable): Promise<BackendProcess>;
  /** Companion path of the program that `spawn()` would run, or `null`. */
  resolveBinary(
    file: string,
    at: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
  ): Promise<string | null>;
  /** A connection to 127.0.0.1:`port` *inside*. Required where `network` is `private`. */
  connect?(port: number): Promise<Duplex>;
  /** Required unless `filesystem` is `shared`. */
  copyIn?(hostPath: string, companionPath: string): Promise<void>;
  /** Required unless `filesystem` is `shared`. */
  copyOut?(companionPath: string, hostPath: string): Promise<void>;
  /** Ends everything that runs inside; files stay. */
  stop(): Promise<void>;
  /** Removes everything; with `reuse`, only when `remove` is true. Works in any state and twice. */
  shutdown(options?: { readonly remove?: boolean }): Promise<void>;
}

export interface Started {
  /** The complete base environment: the image's, the dev shell's, the host's. */
  readonly env: Readonly<Record<string, string>>;
  /** Companion path. */
  readonly home: string;
  readonly main?: BackendProcess;
  /** Set when an existing environment was entered instead of a new one made. */
  readonly reused?: { readonly reason: string };
  /** Settles if the environment dies while nobody looks; stays pending otherwise. */
  readonly lost: Promise<Error>;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Complete; a `file` without a slash is looked up in its `PATH`. */
  readonly env: Readonly<Record<string, string>>;
  /** Companion path; on a shared filesystem already translated. */
  readonly cwd: string;
  /** `ignore` is end-of-file at once, never a closed descriptor. */
  readonly stdin: 'pipe' | 'ignore' | 'inherit';
  readonly tty?: TerminalSize;
  readonly user?: User;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface BackendProcess {
  /** As seen inside. */
  readonly pid: number | null;
  /** Ending it is end-of-file; output stays readable. `null` unless the command asked for a pipe. */
  readonly stdin: Writable | null;
  /** Raw bytes. Ends when the last holder has closed it. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The process's own end, whoever still holds its pipes. Rejects only if the verdict is unknowable. */
  readonly exited: Promise<ProcessExit>;
  /** Resolves once delivered; for `tree` with SIGKILL, once nothing of the tree is left. Quiet after the end. */
  kill(signal: Signal, target?: 'process' | 'tree'): Promise<void>;
  resize?(size: TerminalSize): Promise<void>;
  /**
   * Resolves once everything has come that the process had written when it ended, as far as it is read. For outputs that
   * come over a connection: without it, one that stalls for 100 ms after the end is taken for silence, and cut.
   */
  outputSettled?(): Promise<void>;
  /** Live descendants, also after the process itself has ended. */
  descendants?(): Promise<readonly { readonly pid: number; readonly name: string }[]>;
}

export type Signal = NodeJS.Signals;

/** How a process ended: exactly one of the two is not null. */
export type ExitStatus =
  | { readonly code: number; readonly signal: null }
  | { readonly code: null; readonly signal: Signal };

/** An {@link ExitStatus}, with what only the kernel can tell. */
export type ProcessExit = ExitStatus & { readonly outOfMemory?: boolean };

/** Something that happened. Never carries a variable's value or an argument. */
export type CompanionEvent = SelectionEvent | EnvironmentEvent | ImageEvent | ProcessEvent;

export type SelectionEvent =
  | {
      readonly topic: 'selection';
      readonly type: 'candidate';
      readonly backend: string;
      readonly verdict: 'chosen' | 'available' | 'unavailable' | 'unsuitable' | 'outranked';
      readonly reason?: string;
      readonly hint?: string;
      readonly detail?: string;
      readonly durationMs: number;
    }
  | {
      readonly topic: 'selection';
      readonly type: 'selected';
      readonly backend: string;
      readonly reason: string;
      readonly fellBack: boolean;
    };

export type EnvironmentEvent =
  | { readonly topic: 'environment'; readonly type: 'starting' }
  | {
      readonly topic: 'environment';
      readonly type: 'started';
      readonly durationMs: number;
      readonly reused?: string;
    }
  | {
      readonly topic: 'environment';
      readonly type: 'start-failed';
      readonly durationMs: number;
      readonly code: string;
    }
  | { readonly topic: 'environment'; readonly type: 'stopped' | 'removed'; readonly durationMs: number }
  | { readonly topic: 'environment'; readonly type: 'lost'; readonly reason: string }
  | {
      readonly topic: 'environment';
      readonly type: 'mount-translated';
      readonly hostPath: string;
      readonly companionPath: string;
    }
  /** What a start that takes long is busy with now: an evaluation, a build. Of interest until the next event. */
  | { readonly topic: 'environment'; readonly type: 'busy'; readonly message: string }
  /** Something the user should know and no other event says: a lowered promise, a mistake that was passed over. */
  | { readonly topic: 'environment'; readonly type: 'notice'; readonly message: string };

export type ImageEvent =
  | { readonly topic: 'image'; readonly type: 'pulling'; readonly reference: string }
  | {
      readonly topic: 'image';
      readonly type: 'progress';
      readonly reference: string;
      readonly layer: string;
      readonly status: string;
      readonly bytes?: number;
      readonly totalBytes?: number;
    }
  | {
      readonly topic: 'image';
      readonly type: 'pulled';
      readonly reference: string;
      readonly durationMs: number;
    };

export type ProcessEvent =
  | {
      readonly topic: 'process';
      readonly type: 'started';
      readonly process: number;
      readonly pid: number | null;
      readonly file: string;
    }
  | {
      readonly topic: 'process';
      readonly type: 'start-failed';
      readonly process: number;
      readonly file: string;
      readonly code: string;
    }
  | {
      readonly topic: 'process';
      readonly type: 'exited';
      readonly process: number;
      readonly pid: number | null;
      readonly file: string;
      /** `null` when the verdict is lost. */
      readonly status: ExitStatus | null;
      readonly durationMs: number;
    }
  /** A claimed stream is full and has not been read for 10 s, so the process is blocked. */
  | {
      readonly topic: 'process';
      readonly type: 'output-unread';
      readonly process: number;
      readonly pid: number | null;
      readonly file: string;
      readonly stream: 'stdout' | 'stderr';
    };
