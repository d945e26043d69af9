export type EngineKind = 'docker' | 'podman';

/** Full references of images that an engine has from the start. */
export interface TestImages {
  /** POSIX shell and tools, `PATH=/bin`. */
  readonly busybox: string;
  /** Only the static program `/busybox`: no shell's path, no `PATH`, no `/tmp`, no accounts. */
  readonly scratch: string;
  /** glibc with this machine's Node, and busybox for the rest. Not in the registry. */
  readonly node: string;
  /** With `ENTRYPOINT`, `CMD`, `USER tester` (1000:1000), `WORKDIR /srv/work` and `GREETING`. */
  readonly entrypoint: string;
  /** `node`, with this machine's git, ssh and npm. Not in the registry; there where `missingTools()` says nothing. */
  readonly tools: string;
}

/** A registry that wants to know who asks. */
export interface PrivateRegistry {
  readonly host: string;
  readonly user: string;
  readonly password: string;
  /** An image in there, which the engine has not. */
  readonly reference: string;
}

/** What tests are told of an engine. */
export interface TestEngine {
  readonly kind: EngineKind;
  /** As in `DOCKER_HOST`. */
  readonly address: string;
  readonly images: TestImages;
  /** As the engine reaches it; all images but `node` and `tools` are in there, and `companion/large:1`, which is not loaded. */
  readonly registry?: string;
  readonly privateRegistry?: PrivateRegistry;
  /** Of the engine as this machine counts, when it was started here. */
  readonly pid?: number;
}

export interface TestEngines {
  readonly docker?: TestEngine;
  readonly podman?: TestEngine;
  /** Why an engine that was wanted is not there. */
  readonly absent: Partial<Readonly<Record<EngineKind, string>>>;
  /** All that is not there, a sentence each. */
  readonly missing: readonly string[];
}

export interface EngineOptions {
  /** Default: both. */
  readonly kinds?: readonly EngineKind[];
  /** Those to load. Default: all. */
  readonly images?: readonly (keyof TestImages)[];
  /** Started here, even where the environment names one that runs: to be killed, for instance. */
  readonly own?: boolean;
}

/** Engines for as long as this process wants them; those that were started here end with it in any case. */
export interface StartedEngines extends TestEngines {
  /** What of them a test may be told: plain data. */
  describe(): TestEngines;
  /** Runs a program in the network of the engines, on whose loopback the ports are that they publish. */
  run(
    command: string,
    args?: readonly string[],
  ): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** Sends an engine that was started here a signal (`SIGTERM`); resolves when its process is gone. */
  end(kind: EngineKind, signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, at the same address, with what it had. */
  start(kind: EngineKind): Promise<void>;
  /** Leaves nothing of what was started here, and takes the images off the others. */
  stop(): Promise<void>;
}

/** Resolves once they answer and have their images; where there is none, `absent` says why. */
export function startEngines(options?: EngineOptions): Promise<StartedEngines>;
