/**
 * An environment in memory, through the real contract: what it does is decided by the test that uses it. It has no
 * operating system behind it, so it can be slow, deaf, dead or wrong exactly when a test wants it to be.
 */
import { type Duplex, PassThrough, type Writable } from 'node:stream';
import {
  type Abortable,
  type Backend,
  type BackendProcess,
  type Capabilities,
  type Command,
  type Detection,
  type Environment,
  type EnvironmentRequest,
  type ProcessExit,
  type Signal,
  SPEC_VERSION,
  type Started,
} from '@companion/core/backend';
import { deferred } from './deferred.js';

/** What a test changes; everything else succeeds at once. */
export interface FakeBehaviour {
  readonly name?: string;
  readonly priority?: number;
  readonly capabilities?: Partial<Capabilities>;
  detect?(request: EnvironmentRequest, options: Abortable): Detection | Promise<Detection>;
  start?(options: Abortable): Partial<Started> | undefined | Promise<Partial<Started> | undefined>;
  /** Sees every process before core does. */
  spawn?(process: FakeProcess, options: Abortable): void | Promise<void>;
  resolveBinary?(file: string): string | null | Promise<string | null>;
  // What the capabilities ask for is there by default; `null` leaves it out all the same.
  connect?: ((port: number) => Promise<Duplex>) | null;
  copyIn?: ((hostPath: string, companionPath: string) => Promise<void>) | null;
  copyOut?: ((companionPath: string, hostPath: string) => Promise<void>) | null;
  stop?(): void | Promise<void>;
  shutdown?(options: { readonly remove?: boolean } | undefined): void | Promise<void>;
}

export interface FakeBackend extends Backend {
  /** In the order in which core made them. */
  readonly environments: readonly FakeEnvironment[];
  /** Every call of every environment, and `detect`, in order. */
  readonly calls: readonly string[];
}

const CAPABILITIES: Capabilities = {
  filesystem: 'shared',
  network: 'shared',
  processes: 'private',
  user: true,
  signals: true,
  killTree: true,
  descendants: true,
  tty: true,
  limits: true,
  networkNone: true,
  ownerDeath: 'killed',
};

export function fakeBackend(behaviour: FakeBehaviour = {}): FakeBackend {
  const environments: FakeEnvironment[] = [];
  const calls: string[] = [];
  const capabilities = { ...CAPABILITIES, ...behaviour.capabilities };
  return {
    spec: SPEC_VERSION,
    name: behaviour.name ?? 'fake',
    priority: behaviour.priority ?? 100,
    capabilities,
    environments,
    calls,
    detect: async (request, options) => {
      calls.push('detect');
      return (await behaviour.detect?.(request, options)) ?? { available: true };
    },
    create: (request) => {
      const environment = new FakeEnvironment(request, behaviour, capabilities, calls);
      environments.push(environment);
      return environment;
    },
  };
}

export class FakeEnvironment implements Environment {
  readonly request: EnvironmentRequest;
  /** In the order in which core asked for them. */
  readonly processes: FakeProcess[] = [];
  /** Of the last start: resolve it, and the environment has died. */
  lost = deferred<Error>();
  readonly connect?: (port: number) => Promise<Duplex>;
  readonly copyIn?: (hostPath: string, companionPath: string) => Promise<void>;
  readonly copyOut?: (companionPath: string, hostPath: string) => Promise<void>;
  readonly #behaviour: FakeBehaviour;
  readonly #calls: string[];

  constructor(
    request: EnvironmentRequest,
    behaviour: FakeBehaviour,
    { filesystem, network }: Capabilities,
    calls: string[],
  ) {
    this.request = request;
    this.#behaviour = behaviour;
    this.#calls = calls;
    const copies = filesystem === 'shared' ? null : async () => {};
    const refuses = network === 'shared' ? null : () => Promise.reject(new Error('connection refused'));
    const { connect = refuses, copyIn = copies, copyOut = copies } = behaviour;
    if (connect !== null) this.connect = connect;
    if (copyIn !== null) this.copyIn = copyIn;
    if (copyOut !== null) this.copyOut = copyOut;
  }

  async start(options: Abortable): Promise<Started> {
    this.#calls.push('start');
    this.lost = deferred<Error>();
    const started = await this.#behaviour.start?.(options);
    return { env: { PATH: '/bin' }, home: '/home/fake', lost: this.lost.promise, ...started };
  }

  async spawn(command: Command, options: Abortable): Promise<FakeProcess> {
    this.#calls.push(`spawn ${command.file}`);
    const process = new FakeProcess(command);
    this.processes.push(process);
    await this.#behaviour.spawn?.(process, options);
    return process;
  }

  async resolveBinary(file: string): Promise<string | null> {
    return this.#behaviour.resolveBinary === undefined
      ? `/bin/${file}`
      : await this.#behaviour.resolveBinary(file);
  }

  async stop(): Promise<void> {
    this.#calls.push('stop');
    await this.#behaviour.stop?.();
  }

  async shutdown(options?: { readonly remove?: boolean }): Promise<void> {
    this.#calls.push('shutdown');
    await this.#behaviour.shutdown?.(options);
  }
}

/** Runs until the test, or a signal that it heeds, ends it. Its pipes are the test's to write, read and end. */
export class FakeProcess implements BackendProcess {
  pid: number | null = 42;
  readonly command: Command;
  readonly stdin: PassThrough | null;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  /** `SIGTERM tree`, `SIGHUP process`, … in order. */
  readonly kills: string[] = [];
  readonly sizes: unknown[] = [];
  /** Signals that end it; the others it ignores. */
  heeds: readonly Signal[] = ['SIGTERM', 'SIGKILL'];
  /** Names of live descendants. */
  descendantNames: string[] = [];
  readonly #exit = deferred<ProcessExit>();

  constructor(command: Command = { file: 'fake', args: [], env: {}, cwd: '/', stdin: 'pipe' }) {
    this.command = command;
    this.stdin = command.stdin === 'pipe' ? new PassThrough() : null;
  }

  get exited(): Promise<ProcessExit> {
    return this.#exit.promise;
  }

  /** Ends, and closes its pipes unless `holdPipes` says that a descendant keeps them. */
  exit(exit: ProcessExit | number = 0, { holdPipes = false } = {}): void {
    this.#exit.resolve(typeof exit === 'number' ? { code: exit, signal: null } : exit);
    if (!holdPipes) this.closePipes();
  }

  /** Nobody will ever know how it ended. */
  vanish(error: Error): void {
    this.#exit.reject(error);
    this.closePipes();
  }

  closePipes(): void {
    for (const stream of [this.stdout, this.stderr] as const satisfies Writable[]) stream.end();
  }

  async kill(signal: Signal, target: 'process' | 'tree' = 'process'): Promise<void> {
    this.kills.push(`${signal} ${target}`);
    if (this.heeds.includes(signal)) this.exit({ code: null, signal });
  }

  async resize(size: unknown): Promise<void> {
    this.sizes.push(size);
  }

  async descendants(): Promise<readonly { pid: number; name: string }[]> {
    return this.descendantNames.map((name, index) => ({ pid: 100 + index, name }));
  }
}
