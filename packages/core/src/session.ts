import { onAbort } from './abort.js';
import type {
  Backend,
  BackendProcess,
  Capabilities,
  Command,
  Environment,
  EnvironmentRequest,
  Started,
} from './backend.js';
import { Ending } from './ending.js';
import { EnvironmentTransitions } from './environment-transitions.js';
import { abortedError, CompanionError, messageOf, show } from './errors.js';
import type { EventPublisher } from './events.js';
import type { LifecycleSteps, ShutdownOptions } from './lifecycle.js';
import { LogBook } from './logs.js';
import { choosePorts, PortTable, releasePorts } from './ports.js';
import { CompanionProcess } from './process/companion-process.js';
import { mergeVariables } from './process/environment-variables.js';
import type { ProcessHost, Stoppable } from './process/process-host.js';
import { settlesWithin } from './process/terminate.js';
import { environmentRequest } from './request.js';
import type { Settings } from './settings.js';

/** What exists between a start and the stop that follows it. */
export interface Running {
  readonly variables: Readonly<Record<string, string>>;
  readonly ports: PortTable;
  readonly logs: LogBook | undefined;
  readonly main: CompanionProcess | undefined;
  readonly ending: Ending;
}

/** What a session needs of the companion it belongs to. */
export interface SessionOwner {
  readonly settings: Settings;
  readonly backend: Backend;
  readonly capabilities: Capabilities;
  readonly publisher: EventPublisher;
  readonly host: ProcessHost;
  readonly binaries: ReadonlySet<string>;
  /** False where the environment's death makes no difference any more. */
  lose(): boolean;
}

/** More than TERM, grace and KILL take; what is left then is ended with the environment. */
const END_PROCESSES_MS = 10_000;

/** A companion's environment, with all that lives in it: what its transitions do, one at a time. */
export class Session implements LifecycleSteps {
  readonly #owner: SessionOwner;
  readonly #live = new Set<Stoppable>();
  /** Out of use, and not gone: kept for reuse, still starting, or not to be removed. shutdown() tries again. */
  readonly #leftovers = new Set<EnvironmentTransitions>();
  #request: EnvironmentRequest | undefined;
  #transitions: EnvironmentTransitions | undefined;
  #running: Running | undefined;
  #ports: EnvironmentRequest['ports'] = [];
  /** Of the run that is on now: what becomes of an earlier one says nothing about this one. */
  #ending: Ending | undefined;

  constructor(owner: SessionOwner) {
    this.#owner = owner;
  }

  get environment(): Environment | undefined {
    return this.#transitions?.environment;
  }

  get leavesSomething(): boolean {
    return this.#leftovers.size > 0;
  }

  get running(): Running | undefined {
    return this.#running;
  }

  /** The process is alive until `ended` settles. */
  track(process: Stoppable, ended: Promise<unknown>): void {
    this.#live.add(process);
    const forget = (): void => void this.#live.delete(process);
    ended.then(forget, forget);
  }

  async spawn(command: Command, signal: AbortSignal): Promise<BackendProcess> {
    if (this.environment === undefined) throw this.#overError('is gone');
    try {
      return await this.environment.spawn(command, { signal });
    } catch (error) {
      if (CompanionError.is(error)) throw error;
      const message = `${command.file} could not be started: ${messageOf(error)}`;
      throw new CompanionError('COMPANION_START_FAILED', message, { cause: error });
    }
  }

  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { publisher } = this.#owner;
    const startedAt = performance.now();
    const restarts = this.#transitions !== undefined;
    publisher.emit({ topic: 'environment', type: 'starting' });
    try {
      const { reused } = await this.#begin(signal);
      publisher.emit({
        topic: 'environment',
        type: 'started',
        durationMs: performance.now() - startedAt,
        ...(reused === undefined ? {} : { reused: reused.reason }),
      });
    } catch (error) {
      const failure = await this.#abandon(error, restarts, signal);
      const { code } = failure;
      const durationMs = performance.now() - startedAt;
      publisher.emit({ topic: 'environment', type: 'start-failed', durationMs, code });
      throw failure;
    }
  }

  async stop(): Promise<void> {
    const startedAt = performance.now();
    await this.#end(this.#overError('was stopped'));
    await this.#transitions?.stop();
    const durationMs = performance.now() - startedAt;
    this.#owner.publisher.emit({ topic: 'environment', type: 'stopped', durationMs });
  }

  async shutdown(options: ShutdownOptions): Promise<void> {
    const startedAt = performance.now();
    await this.#end(this.#overError('was shut down'));
    if (this.#transitions !== undefined) await this.#remove(this.#transitions, options);
    this.#transitions = undefined;
    for (const transitions of this.#leftovers) await this.#remove(transitions, options);
    const durationMs = performance.now() - startedAt;
    this.#owner.publisher.emit({ topic: 'environment', type: 'removed', durationMs });
  }

  async #begin(signal: AbortSignal): Promise<Started> {
    const { settings, backend, capabilities, publisher } = this.#owner;
    const ports = await choosePorts(this.#request?.ports ?? settings.ports, capabilities.network);
    this.#ports = ports;
    this.#request ??= environmentRequest(settings, backend, publisher.emit, ports);
    this.#transitions ??= new EnvironmentTransitions(
      checkedEnvironment(backend.create(this.#request), backend.name, capabilities),
      settings,
    );
    const { environment } = this.#transitions;
    const started = checkedStarted(await this.#transitions.start(signal), backend.name);
    await this.#run(environment, started, ports, signal);
    return started;
  }

  async #run(
    environment: Environment,
    started: Started,
    ports: EnvironmentRequest['ports'],
    signal: AbortSignal,
  ): Promise<void> {
    const { host, settings, capabilities } = this.#owner;
    const ending = new Ending();
    this.#ending = ending;
    const onLost = (reason: unknown): void => this.#lose(ending, reason);
    // Both before anything is awaited: a rejection, and the main process's first bytes, may be on their way.
    started.lost.then(onLost, onLost);
    const main = started.main === undefined ? undefined : new CompanionProcess(host, 'main', []);
    if (main !== undefined && started.main !== undefined) CompanionProcess.adopt(main, started.main);
    const variables = mergeVariables({ HOME: started.home, ...started.env }, settings.env);
    this.#running = {
      variables,
      main,
      logs: main === undefined ? undefined : new LogBook(main),
      ending,
      ports: await PortTable.open(ports, environment, capabilities.network),
    };
    await unlessEnded(ending, signal, this.#assertBinaries(environment, variables));
  }

  /** Leaves nothing of a failed start behind (of a failed restart: what was there before), and says what failed. */
  async #abandon(error: unknown, restarts: boolean, signal: AbortSignal): Promise<CompanionError> {
    const { name } = this.#owner.settings;
    const transitions = this.#transitions;
    if (!restarts) {
      this.#transitions = undefined;
      this.#request = undefined;
    }
    try {
      await this.#end(new Error('the companion could not be started'));
      if (transitions !== undefined) {
        if (restarts) await unlessStarting(transitions, transitions.stop());
        else await this.#remove(transitions, {});
      }
    } catch (cause) {
      const code = signal.aborted ? 'COMPANION_ABORTED' : 'COMPANION_START_FAILED';
      const message = `companion '${name}' could not be started (${messageOf(error)}), and cleaning up failed: ${messageOf(cause)}`;
      return new CompanionError(code, message, {
        cause: error,
        hint: 'Something may be left behind: shutdown() tries again to remove it.',
      });
    }
    if (signal.aborted) return abortedError('init()', signal);
    if (CompanionError.is(error)) return error;
    const message = `backend '${this.#owner.backend.name}' could not start companion '${name}': ${messageOf(error)}`;
    return new CompanionError('COMPANION_START_FAILED', message, { cause: error });
  }

  async #remove(transitions: EnvironmentTransitions, options: ShutdownOptions): Promise<void> {
    this.#leftovers.add(transitions);
    const removal = transitions.shutdown(options).then(() => {
      if (transitions.isGone) this.#leftovers.delete(transitions);
    });
    await unlessStarting(transitions, removal);
  }

  async #assertBinaries(environment: Environment, env: Running['variables']): Promise<void> {
    const { binaries, host, settings, backend } = this.#owner;
    if (binaries.size === 0) return;
    const at = { env, cwd: host.directory(undefined) };
    const missing: string[] = [];
    for (const file of binaries) {
      if ((await environment.resolveBinary(file, at)) === null) missing.push(file);
    }
    if (missing.length === 0) return;
    const are = missing.length === 1 ? 'is' : 'are';
    throw new CompanionError(
      'COMPANION_COMMAND_NOT_FOUND',
      `${missing.join(', ')} ${are} missing inside companion '${settings.name}' (backend ${backend.name})`,
      {
        hint: 'Install what is missing where the environment comes from, or choose another image or backend.',
      },
    );
  }

  /** Ends live processes and closes ports. */
  async #end(error: Error): Promise<void> {
    this.#ending?.end(error);
    // One that cannot be ended this way is ended with the environment, which is next.
    const ended = Promise.allSettled([...this.#live].map((process) => process.stop()));
    await settlesWithin(ended, END_PROCESSES_MS);
    await this.#running?.ports.close();
    releasePorts(this.#ports);
    this.#ports = [];
    this.#running = undefined;
    this.#ending = undefined;
  }

  #lose(ending: Ending, reason: unknown): void {
    const { settings, publisher, lose } = this.#owner;
    const error = new CompanionError(
      'COMPANION_ENVIRONMENT_LOST',
      `the environment of companion '${settings.name}' has died: ${messageOf(reason)}`,
      { cause: reason, hint: 'Shut this companion down and create a new one.' },
    );
    // During a start the start fails by this, and on the way out nobody waits for the dead.
    ending.end(error);
    if (this.#ending !== ending) return;
    for (const process of this.#live) process.lose(error);
    if (!lose()) return;
    // Listeners of a dead environment; nothing can be waited for.
    this.#running?.ports.close().catch(() => {});
    publisher.emit({ topic: 'environment', type: 'lost', reason: messageOf(reason) });
  }

  #overError(what: string): CompanionError {
    return new CompanionError('COMPANION_WRONG_STATE', `companion '${this.#owner.settings.name}' ${what}`);
  }
}

/** Whoever gave up a start does not wait for what follows it either; shutdown() finds what that has left. */
async function unlessStarting({ isStarting }: EnvironmentTransitions, next: Promise<void>): Promise<void> {
  if (isStarting) next.catch(() => {});
  else await next;
}

/** For what a dead environment might never answer. */
async function unlessEnded(ending: Ending, signal: AbortSignal, work: Promise<void>): Promise<void> {
  const forget: (() => void)[] = [];
  const ended = new Promise<never>((_, reject) => {
    forget.push(
      ending.onEnd(reject),
      onAbort(signal, () => reject(signal.reason)),
    );
  });
  try {
    await Promise.race([ended, work]);
  } finally {
    for (const each of forget) each();
  }
}

/** What a backend may leave out depends on what it declares. */
function checkedEnvironment(
  environment: Environment,
  backend: string,
  capabilities: Capabilities,
): Environment {
  const required: (keyof Environment)[] = ['start', 'spawn', 'resolveBinary', 'stop', 'shutdown'];
  if (capabilities.network === 'private') required.push('connect');
  if (capabilities.filesystem !== 'shared') required.push('copyIn', 'copyOut');
  const missing = required.filter((method) => typeof environment?.[method] !== 'function');
  if (missing.length === 0) return environment;
  const message = `backend '${backend}': its environment has no ${missing.map((method) => `${method}()`).join(', ')}`;
  throw new CompanionError('COMPANION_INVALID_BACKEND', message);
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
