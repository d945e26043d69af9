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
import type {
  Abortable,
  Backend,
  BackendProcess,
  Capabilities,
  Command,
  Environment,
  EnvironmentRequest,
  Started,
  User,
} from './backend.js';
import { copyBetween } from './copy.js';
import { Ending } from './ending.js';
import { CompanionError, messageOf, show } from './errors.js';
import type { EventPublisher } from './events.js';
import { Lifecycle, type LifecycleState, type ShutdownOptions } from './lifecycle.js';
import { LogBook, type LogLine, type LogOptions } from './logs.js';
import type { Directory, EnvironmentVariables, MountOptions, RunOptions, SpawnOptions } from './options.js';
import { MountTable } from './paths.js';
import { choosePorts, type Endpoint, PortTable } from './ports.js';
import type { RunResult } from './process/command-failed.js';
import { CompanionProcess } from './process/companion-process.js';
import { mergeVariables } from './process/environment-variables.js';
import type { ProcessHost, Stoppable } from './process/process-host.js';
import { settlesWithin } from './process/terminate.js';
import {
  type LineMatch,
  type WaitForLineOptions,
  type WaitForPortOptions,
  waitForLine,
  waitForPort,
} from './readiness.js';
import { environmentRequest } from './request.js';
import type { Selected, Selection } from './select/select.js';
import { whyUnsuitable } from './select/suitability.js';
import {
  addMount,
  addPort,
  checkMain,
  parseDirectory,
  parseUser,
  parseVariables,
  type Settings,
} from './settings.js';

/** What exists between a start and the stop that follows it. */
interface Running {
  readonly started: Started;
  readonly variables: Readonly<Record<string, string>>;
  readonly ports: PortTable;
  readonly logs: LogBook | undefined;
  readonly main: CompanionProcess | undefined;
  readonly ending: Ending;
}

const SPAWN_OPTION_NAMES: readonly (keyof SpawnOptions)[] = [
  'cwd',
  'env',
  'stdin',
  'tty',
  'user',
  'signal',
  'killGraceMs',
];

/** More than TERM, grace and KILL take; what is left then is ended with the environment. */
const END_PROCESSES_MS = 10_000;
/** How long a backend may take to clean up after an aborted start before the caller is let go. */
const ABORTED_START_MS = 10_000;

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
  readonly #host: ProcessHost;
  readonly #binaries = new Set<string>();
  readonly #live = new Set<Stoppable>();
  readonly #translated = new Set<string>();
  #mountTable: MountTable;
  #request: EnvironmentRequest | undefined;
  #environment: Environment | undefined;
  #running: Running | undefined;

  /** @internal Use `createCompanion()`. */
  constructor(settings: Settings, selected: Selected, publisher: EventPublisher) {
    this.#settings = settings;
    this.#backend = selected.backend;
    this.capabilities = selected.capabilities;
    this.selection = selected.selection;
    this.#publisher = publisher;
    publisher.chose(selected.backend.name);
    this.#mountTable = this.#newMountTable();
    this.#lifecycle = new Lifecycle(settings.name, {
      start: ({ signal }) => this.#start(signal),
      stop: () => this.#stop(),
      shutdown: (options) => this.#shutdown(options),
    });
    this.#host = {
      capabilities: this.capabilities,
      environment: () => this.#ready('starting a process').variables,
      directory: (directory) => this.#directory(directory),
      assertReady: () => void this.#ready('starting a process'),
      spawn: (command, signal) => this.#spawn(command, signal),
      emit: publisher.emit,
      track: (process, ended) => this.#track(process, ended),
    };
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
    return this.#running?.main;
  }

  /** The backend's live environment: the one escape hatch. */
  get environment(): Environment | undefined {
    return this.#environment;
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
   * Starts the environment; again after `stop()`. Failing or aborted, it leaves nothing behind. Rejects with
   * `COMPANION_START_FAILED`, `COMPANION_ABORTED`, `COMPANION_PORT_UNAVAILABLE`, `COMPANION_IMAGE_UNAVAILABLE`,
   * `COMPANION_COMMAND_NOT_FOUND`, `COMPANION_UNSUPPORTED` or `COMPANION_WRONG_STATE`.
   */
  async init(options: Abortable = {}): Promise<void> {
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
    const onAbort = (): void => {
      // Its verdict tells; a failure to stop it shows in shutdown().
      spawned.stop(killGraceMs === undefined ? {} : { graceMs: killGraceMs }).catch(() => {});
    };
    const forget = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
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
    const command = new CompanionProcess(this.#host, file, args);
    applyOptions(command, options);
    return command.run(options);
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
   * Ends every process and removes the environment (with `reuse`: only when `remove` is true). Works in any state,
   * twice and concurrently, where the first call decides; also during `init()`, which then rejects with
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

  async #start(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const elapsedMs = (): number => performance.now() - startedAt;
    const restarts = this.#environment !== undefined;
    this.#publisher.emit({ topic: 'environment', type: 'starting' });
    try {
      checkMain(this.#settings);
      const ports = await choosePorts(
        this.#request?.ports ?? this.#settings.ports,
        this.capabilities.network,
      );
      this.#request ??= environmentRequest(
        { ...this.#settings, ports: [...ports] },
        this.#backend,
        this.#publisher.emit,
      );
      this.#environment ??= this.#backend.create(this.#request);
      const started = checkedStarted(await untilAborted(this.#environment, signal), this.backend);
      const running = await this.#begin(this.#environment, started, ports);
      await this.#assertBinaries(this.#environment, running);
      signal.throwIfAborted();
      if (running.ending.error !== undefined) throw running.ending.error;
      this.#publisher.emit({
        topic: 'environment',
        type: 'started',
        durationMs: elapsedMs(),
        ...(started.reused === undefined ? {} : { reused: started.reused.reason }),
      });
    } catch (error) {
      const failure = await this.#abandonStart(error, restarts);
      const code = signal.aborted
        ? 'COMPANION_ABORTED'
        : CompanionError.is(failure)
          ? failure.code
          : 'TypeError';
      this.#publisher.emit({ topic: 'environment', type: 'start-failed', durationMs: elapsedMs(), code });
      throw failure;
    }
  }

  async #begin(
    environment: Environment,
    started: Started,
    ports: EnvironmentRequest['ports'],
  ): Promise<Running> {
    const main = started.main === undefined ? undefined : new CompanionProcess(this.#host, 'main', []);
    // Before anything is awaited: its first bytes are on their way.
    if (main !== undefined && started.main !== undefined) CompanionProcess.adopt(main, started.main);
    const running: Running = {
      started,
      variables: mergeVariables({ HOME: started.home, ...started.env }, this.#settings.env),
      ports: await PortTable.open(ports, environment, this.capabilities.network),
      main,
      logs: main === undefined ? undefined : new LogBook(main),
      ending: new Ending(),
    };
    this.#running = running;
    const onLost = (error: unknown): void => this.#lose(running, error);
    started.lost.then(onLost, onLost);
    return running;
  }

  /** Leaves nothing of a failed start behind (of a failed restart: what was there before), and says what failed. */
  async #abandonStart(error: unknown, restarts: boolean): Promise<unknown> {
    try {
      await this.#endRunning(new Error('the companion could not be started'));
      if (restarts) await this.#environment?.stop();
      else {
        const environment = this.#environment;
        this.#environment = undefined;
        this.#request = undefined;
        await environment?.shutdown();
      }
    } catch (cause) {
      return new CompanionError(
        'COMPANION_START_FAILED',
        `companion '${this.name}' could not be started (${messageOf(error)}), and cleaning up failed: ${messageOf(cause)}`,
        { cause: error, hint: 'Something may be left behind.' },
      );
    }
    if (CompanionError.is(error) || error instanceof TypeError) return error;
    return new CompanionError(
      'COMPANION_START_FAILED',
      `backend '${this.backend}' could not start companion '${this.name}': ${messageOf(error)}`,
      { cause: error },
    );
  }

  async #assertBinaries(environment: Environment, { variables }: Running): Promise<void> {
    if (this.#binaries.size === 0) return;
    const at = { env: variables, cwd: this.#directory(undefined) };
    const found = await Promise.all(
      [...this.#binaries].map(async (file) => ({ file, path: await environment.resolveBinary(file, at) })),
    );
    const missing = found.filter(({ path }) => path === null).map(({ file }) => file);
    if (missing.length === 0) return;
    throw new CompanionError(
      'COMPANION_COMMAND_NOT_FOUND',
      `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing inside companion '${this.name}' (backend ${this.backend})`,
      {
        hint: 'Install what is missing where the environment comes from, or choose another image or backend.',
      },
    );
  }

  async #stop(): Promise<void> {
    const startedAt = performance.now();
    await this.#endRunning(this.#overError('was stopped'));
    await this.#environment?.stop();
    this.#publisher.emit({
      topic: 'environment',
      type: 'stopped',
      durationMs: performance.now() - startedAt,
    });
  }

  async #shutdown(options: ShutdownOptions): Promise<void> {
    const startedAt = performance.now();
    await this.#endRunning(this.#overError('was shut down'));
    await this.#environment?.shutdown(options);
    this.#environment = undefined;
    this.#publisher.emit({
      topic: 'environment',
      type: 'removed',
      durationMs: performance.now() - startedAt,
    });
  }

  /** Ends live processes and closes ports. */
  async #endRunning(error: Error): Promise<void> {
    this.#running?.ending.end(error);
    // One that cannot be ended this way is ended with the environment, which is next.
    const ended = Promise.allSettled([...this.#live].map((process) => process.stop()));
    await settlesWithin(ended, END_PROCESSES_MS);
    await this.#running?.ports.close();
    this.#running = undefined;
  }

  #lose(running: Running, reason: unknown): void {
    if (this.#running !== running) return;
    const error = new CompanionError(
      'COMPANION_ENVIRONMENT_LOST',
      `the environment of companion '${this.name}' has died: ${messageOf(reason)}`,
      { cause: reason, hint: 'Shut this companion down and create a new one.' },
    );
    // During a start the start fails by this, and on the way out nobody waits for the dead.
    running.ending.end(error);
    for (const process of this.#live) process.lose(error);
    if (!this.#lifecycle.lose()) return;
    // Listeners of a dead environment; nothing can be waited for.
    running.ports.close().catch(() => {});
    this.#publisher.emit({ topic: 'environment', type: 'lost', reason: messageOf(reason) });
  }

  async #spawn(command: Command, signal: AbortSignal): Promise<BackendProcess> {
    this.#ready('starting a process');
    const environment = this.#environment;
    if (environment === undefined) throw this.#overError('was shut down');
    try {
      return await environment.spawn(command, { signal });
    } catch (error) {
      if (CompanionError.is(error)) throw error;
      throw new CompanionError(
        'COMPANION_START_FAILED',
        `${command.file} could not be started: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async #copy(direction: 'in' | 'out', hostPath: string, companionPath: string): Promise<void> {
    this.#ready(direction === 'in' ? 'copyIn()' : 'copyOut()');
    if (this.#environment === undefined) return;
    const paths = {
      hostPath: this.#mountTable.absoluteHostPath(hostPath),
      companionPath: parseText('companionPath', companionPath),
    };
    await copyBetween(direction, this.#environment, this.#mountTable, paths);
  }

  #track(process: Stoppable, ended: Promise<unknown>): void {
    this.#live.add(process);
    const forget = (): void => void this.#live.delete(process);
    ended.then(forget, forget);
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
    if (this.#running === undefined) throw this.#overError('is being stopped');
    return this.#running;
  }

  #overError(what: string): CompanionError {
    return new CompanionError('COMPANION_WRONG_STATE', `companion '${this.name}' ${what}`);
  }

  #newMountTable(): MountTable {
    return new MountTable(this.#settings, this.#settings.mounts, this.capabilities.filesystem);
  }
}

/** A backend has to give up an aborted start by itself; the caller is let go even if it does not. */
async function untilAborted(environment: Environment, signal: AbortSignal): Promise<Started> {
  signal.throwIfAborted();
  const starting = environment.start({ signal });
  let timer: NodeJS.Timeout | undefined;
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      timer = setTimeout(() => reject(signal.reason), ABORTED_START_MS);
    });
  });
  try {
    return await Promise.race([starting, aborted]);
  } finally {
    clearTimeout(timer);
  }
}

function checkedStarted(started: Started, backend: string): Started {
  const fault =
    typeof started !== 'object' || started === null
      ? `start() resolved with ${show(started)}`
      : typeof started.env !== 'object' || started.env === null
        ? 'start() gave no env'
        : typeof started.home !== 'string'
          ? 'start() gave no home'
          : typeof started.lost?.then !== 'function'
            ? 'start() gave no lost promise'
            : undefined;
  if (fault === undefined) return started;
  throw new CompanionError('COMPANION_INVALID_BACKEND', `backend '${backend}': ${fault}`);
}

function applyOptions(
  process: CompanionProcess,
  { cwd, env, tty, user }: Pick<SpawnOptions, 'cwd' | 'env' | 'tty' | 'user'>,
): void {
  if (cwd !== undefined) process.withDir(cwd);
  if (env !== undefined) process.withEnv(env);
  if (tty !== undefined) process.withTty(tty);
  if (user !== undefined) process.withUser(user);
}
