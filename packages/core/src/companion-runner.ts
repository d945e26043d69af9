import { onAbort } from './abort.js';
import {
  parseArray,
  parseBoolean,
  parseKeys,
  parseMilliseconds,
  parseOptional,
  parseSignal,
  parseText,
  parseWords,
} from './argument-checks.js';
import type { Abortable, Backend, Capabilities, Environment, User } from './backend.js';
import { copyBetween } from './copy.js';
import { CompanionError } from './errors.js';
import type { EventPublisher } from './events.js';
import { Lifecycle, type LifecycleState, type ShutdownOptions } from './lifecycle.js';
import type { LogLine, LogOptions } from './logs.js';
import type { Directory, EnvironmentVariables, MountOptions, RunOptions, SpawnOptions } from './options.js';
import { MountTable } from './paths.js';
import type { Endpoint } from './ports.js';
import { CompanionProcess } from './process/companion-process.js';
import type { ProcessHost } from './process/process-host.js';
import { PROCESS_RUN_OPTION_NAMES } from './process/run.js';
import type { RunResult } from './process/run-result.js';
import {
  type LineMatch,
  type WaitForLineOptions,
  type WaitForPortOptions,
  waitForLine,
  waitForPort,
} from './readiness.js';
import type { Selected, Selection } from './select/select.js';
import { whyUnsuitable } from './select/suitability.js';
import { type Running, Session } from './session.js';
import {
  addMount,
  addPort,
  checkMain,
  parseDirectory,
  parseUser,
  parseVariables,
  type Settings,
} from './settings.js';

const SPAWN_OPTION_NAMES: readonly (keyof SpawnOptions)[] = [
  'cwd',
  'env',
  'stdin',
  'tty',
  'user',
  'signal',
  'killGraceMs',
];

const RUN_OPTION_NAMES: readonly string[] = ['cwd', 'env', 'tty', 'user', ...PROCESS_RUN_OPTION_NAMES];

/**
 * An environment for tools, whichever backend provides it. Made by `createCompanion()`; configured by `with…` until
 * `init()`; used until `stop()` or `shutdown()`.
 */
export class CompanionRunner {
  /** Which backend serves, and why. */
  readonly selection: Selection;
  /** What the backend can do on this machine. */
  readonly capabilities: Capabilities;
  readonly #backend: Backend;
  readonly #settings: Settings;
  readonly #publisher: EventPublisher;
  readonly #lifecycle: Lifecycle;
  readonly #session: Session;
  readonly #host: ProcessHost;
  readonly #binaries = new Set<string>();
  readonly #translated = new Set<string>();
  #mountTable: MountTable;

  /** @internal Use `createCompanion()`. */
  constructor(settings: Settings, selected: Selected, publisher: EventPublisher) {
    this.#settings = settings;
    this.#backend = selected.backend;
    this.capabilities = selected.capabilities;
    this.selection = selected.selection;
    this.#publisher = publisher;
    publisher.chose(selected.backend.name);
    this.#mountTable = this.#newMountTable();
    this.#host = {
      capabilities: this.capabilities,
      environment: () => this.#ready('starting a process').variables,
      directory: (directory) => this.#directory(directory),
      assertReady: () => void this.#ready('starting a process'),
      spawn: (command, signal) => this.#session.spawn(command, signal),
      emit: publisher.emit,
      track: (process, ended) => this.#session.track(process, ended),
    };
    this.#session = new Session({
      settings,
      backend: this.#backend,
      capabilities: this.capabilities,
      publisher,
      host: this.#host,
      binaries: this.#binaries,
      lose: () => this.#lifecycle.lose(),
    });
    this.#lifecycle = new Lifecycle(settings.name, this.#session);
  }

  get name(): string {
    return this.#settings.name;
  }

  /** The backend's name, for display; decisions read {@link capabilities}. */
  get backend(): string {
    return this.#backend.name;
  }

  get state(): LifecycleState {
    return this.#lifecycle.state;
  }

  /** With `pause: false`, the environment's own process while it is ready. */
  get main(): CompanionProcess | undefined {
    return this.#session.running?.main;
  }

  /** The backend's live environment: the one escape hatch. */
  get environment(): Environment | undefined {
    return this.#session.environment;
  }

  /** What an LSP `initialize` must be given: this process's id where ids are shared, else `null`. */
  get clientProcessId(): number | null {
    return this.capabilities.processes === 'shared' ? process.pid : null;
  }

  /** Makes a host path (relative: from `sourceDir`) visible inside; by default at the same path. */
  withMount(
    hostPath: string,
    companionPath?: string,
    options: Pick<MountOptions, 'readOnly' | 'strict'> = {},
  ): this {
    return this.#configure('withMount()', (settings) => {
      addMount(settings, { hostPath, ...(companionPath === undefined ? {} : { companionPath }), ...options });
    });
  }

  /** Reaches `companionPort` at `hostPort`; 0 stands for any, on either side. */
  withPortMapping(hostPort: number, companionPort: number, options: { readonly name?: string } = {}): this {
    return this.#configure('withPortMapping()', (settings) => {
      addPort(settings, {
        ...(hostPort === 0 ? {} : { hostPort }),
        ...(companionPort === 0 ? {} : { companionPort }),
        ...options,
      });
    });
  }

  /** Default directory of processes. */
  withWorkDir(directory: Directory): this {
    return this.#configure('withWorkDir()', (settings) => {
      settings.workDir = parseDirectory('workDir', directory);
    });
  }

  /** On top of the variables given so far; `undefined` removes one. */
  withEnv(variables: EnvironmentVariables): this {
    return this.#configure('withEnv()', (settings) => {
      settings.env = { ...settings.env, ...parseVariables('env', variables) };
    });
  }

  withUser(user: 'host' | 'image' | User): this {
    return this.#configure('withUser()', (settings) => {
      settings.user = parseUser('user', user);
    });
  }

  /** An idle environment, or with `false` one that runs its image's own command. */
  withPause(enabled = true): this {
    return this.#configure('withPause()', (settings) => {
      settings.pause = parseBoolean('pause', enabled);
    });
  }

  /** With `withPause(false)`: instead of the image's entrypoint. */
  withEntrypoint(...words: readonly string[]): this {
    return this.#configure('withEntrypoint()', (settings) => {
      settings.entrypoint = parseWords('entrypoint', words);
    });
  }

  /** With `withPause(false)`: instead of the image's command. */
  withCommand(...words: readonly string[]): this {
    return this.#configure('withCommand()', (settings) => {
      settings.command = parseWords('command', words);
    });
  }

  /** `init()` fails with `COMPANION_COMMAND_NOT_FOUND` unless these programs are there. */
  withBinary(...binaries: readonly string[]): this {
    return this.#configure('withBinary()', () => {
      for (const binary of parseArray('binaries', binaries)) this.#binaries.add(parseText('binary', binary));
    });
  }

  /**
   * Starts the environment; again after `stop()`. Failing or aborted, it leaves nothing behind. Concurrent calls share one
   * start, which any of their signals aborts. Rejects with
   * `COMPANION_START_FAILED`, `COMPANION_ABORTED`, `COMPANION_PORT_UNAVAILABLE`, `COMPANION_IMAGE_UNAVAILABLE`,
   * `COMPANION_COMMAND_NOT_FOUND`, `COMPANION_UNSUPPORTED` or `COMPANION_WRONG_STATE`.
   */
  async init(options: Abortable = {}): Promise<void> {
    checkMain(this.#settings);
    await this.#lifecycle.init(options);
  }

  /** A process that has not started yet: shape it, then `start()` or `run()` it. Reads end-of-file by default. */
  newProcess(file: string, ...args: readonly string[]): CompanionProcess {
    return new CompanionProcess(this.#host, file, args);
  }

  /** Starts a process and resolves once it runs, with its standard input open. Rejects as `process.start()` does. */
  async spawn(
    file: string,
    args: readonly string[] = [],
    options: SpawnOptions = {},
  ): Promise<CompanionProcess> {
    parseKeys('spawn options', options, SPAWN_OPTION_NAMES);
    const killGraceMs = parseOptional('killGraceMs', options.killGraceMs, parseMilliseconds);
    const signal = parseOptional('signal', options.signal, parseSignal);
    const spawned = new CompanionProcess(this.#host, file, args).withStdin(options.stdin ?? 'pipe');
    applyOptions(spawned, options);
    await spawned.start({ signal });
    if (signal === undefined) return spawned;
    const forget = onAbort(signal, () => {
      // Its verdict tells; a failure to stop it shows in shutdown().
      spawned.stop(killGraceMs === undefined ? {} : { graceMs: killGraceMs }).catch(() => {});
    });
    CompanionProcess.watch(spawned).ended.then(forget, forget);
    return spawned;
  }

  /** Runs a command to completion and collects its output. */
  run(
    file: string,
    args: readonly string[] | undefined,
    options: RunOptions & { readonly encoding: 'buffer' },
  ): Promise<RunResult<Buffer>>;
  run(
    file: string,
    args?: readonly string[],
    options?: RunOptions & { readonly encoding?: 'utf8' },
  ): Promise<RunResult>;
  async run(
    file: string,
    args: readonly string[] = [],
    options: RunOptions & { readonly encoding?: 'utf8' | 'buffer' } = {},
  ): Promise<RunResult<string | Buffer>> {
    parseKeys('run options', options, RUN_OPTION_NAMES);
    const { cwd, env, tty, user, ...rest } = options;
    const command = new CompanionProcess(this.#host, file, args);
    applyOptions(command, { cwd, env, tty, user });
    return command.run(rest);
  }

  /** Where a declared port (by number or name) is reached from this process: 127.0.0.1 on every backend. */
  endpoint(portOrName: number | string): Endpoint {
    return this.#ready('endpoint()').ports.endpoint(portOrName);
  }

  /**
   * Resolves with the endpoint once something inside accepts connections on the port, declared or not. Rejects with
   * `COMPANION_NOT_READY` after `timeoutMs` (default 30,000), or as soon as `process` has ended.
   */
  async waitForPort(portOrName: number | string, options: WaitForPortOptions = {}): Promise<Endpoint> {
    const { ports, ending } = this.#ready('waitForPort()');
    return await waitForPort(ports, ports.companionPort(portOrName), ending, options);
  }

  /**
   * Resolves with the first line of the process that matches, also if it has come already; takes nothing from its
   * readers. Rejects as {@link waitForPort} does.
   */
  async waitForLine(
    process: CompanionProcess,
    pattern: string | RegExp,
    options: WaitForLineOptions = {},
  ): Promise<LineMatch> {
    return await waitForLine(process, pattern, this.#ready('waitForLine()').ending, options);
  }

  /** Where a host path (relative: from `sourceDir`) is inside. @throws `COMPANION_PATH_NOT_MAPPED` */
  toCompanionPath(hostPath: string): string {
    return this.#mountTable.toCompanionPath(hostPath);
  }

  /** Where a companion path is on the host. @throws `COMPANION_PATH_NOT_MAPPED` */
  toHostPath(companionPath: string): string {
    return this.#mountTable.toHostPath(companionPath);
  }

  /** {@link toCompanionPath} for `file:` URIs. */
  toCompanionUri(hostUri: string | URL): string {
    return this.#mountTable.toCompanionUri(hostUri);
  }

  /** {@link toHostPath} for `file:` URIs. */
  toHostUri(companionUri: string | URL): string {
    return this.#mountTable.toHostUri(companionUri);
  }

  /** Copies a file or directory inside; directories are merged. Paths name the copy itself, not its parent. */
  async copyIn(hostPath: string, companionPath: string): Promise<void> {
    await this.#copy('in', hostPath, companionPath);
  }

  /** Copies a file or directory out; directories are merged. Paths name the copy itself, not its parent. */
  async copyOut(companionPath: string, hostPath: string): Promise<void> {
    await this.#copy('out', hostPath, companionPath);
  }

  /** What the main process has said (the last 10,000 lines), in order; empty without a main process. */
  async *logs(options: LogOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    const { logs } = this.#ready('logs()');
    if (logs !== undefined) yield* logs.read(options);
  }

  /** Ends every process and halts; files stay, and `init()` makes it ready again. No-op unless ready. */
  async stop(): Promise<void> {
    await this.#lifecycle.stop();
  }

  /**
   * Ends every process and removes the environment (with `reuse`: only when `remove` is true, also after a call
   * without it). Works in any state, twice and concurrently; also during `init()`, which then rejects with
   * `COMPANION_ABORTED`.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    await this.#lifecycle.shutdown(options);
  }

  /** `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #configure(what: string, change: (settings: Settings) => void): this {
    this.#lifecycle.assertState(what, 'created');
    const changed = {
      ...this.#settings,
      mounts: [...this.#settings.mounts],
      ports: [...this.#settings.ports],
    };
    change(changed);
    const unsuitable = whyUnsuitable(changed, this.capabilities);
    if (unsuitable !== null) {
      throw new CompanionError(
        'COMPANION_UNSUPPORTED',
        `${what}: backend '${this.backend}' was chosen, and ${unsuitable}`,
        {
          hint: 'Pass it to createCompanion() as an option, so that selection takes it into account.',
        },
      );
    }
    Object.assign(this.#settings, changed);
    this.#mountTable = this.#newMountTable();
    return this;
  }

  async #copy(direction: 'in' | 'out', hostPath: string, companionPath: string): Promise<void> {
    this.#ready(direction === 'in' ? 'copyIn()' : 'copyOut()');
    const { environment } = this.#session;
    if (environment === undefined) return;
    const paths = {
      hostPath: this.#mountTable.absoluteHostPath(hostPath),
      companionPath: this.#mountTable.absoluteCompanionPath(companionPath),
    };
    await copyBetween(direction, environment, this.#mountTable, paths);
  }

  #directory(directory: Directory | undefined): string {
    const { workDir, workspaceDir } = this.#settings;
    const { path, translated } = this.#mountTable.directoryInside([workspaceDir, workDir, directory]);
    if (translated !== undefined && !this.#translated.has(translated.companionPath)) {
      this.#translated.add(translated.companionPath);
      const { hostPath, companionPath } = translated;
      this.#publisher.emit({ topic: 'environment', type: 'mount-translated', hostPath, companionPath });
    }
    return path;
  }

  #ready(what: string): Running {
    this.#lifecycle.assertState(what, 'ready');
    const { running } = this.#session;
    if (running !== undefined) return running;
    throw new CompanionError('COMPANION_WRONG_STATE', `${what}: companion '${this.name}' is being stopped`);
  }

  #newMountTable(): MountTable {
    return new MountTable(this.#settings, this.#settings.mounts, this.capabilities.filesystem);
  }
}

function applyOptions(
  process: CompanionProcess,
  { cwd, env, tty, user }: { readonly [K in 'cwd' | 'env' | 'tty' | 'user']?: SpawnOptions[K] | undefined },
): void {
  if (cwd !== undefined) process.withDir(cwd);
  if (env !== undefined) process.withEnv(env);
  if (tty !== undefined) process.withTty(tty);
  if (user !== undefined) process.withUser(user);
}
