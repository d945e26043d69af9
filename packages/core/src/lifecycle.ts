import type { Abortable } from './backend.js';
import { abortedError, CompanionError } from './errors.js';

/** Where a companion is in its life. */
export type LifecycleState =
  | 'created'
  | 'starting'
  | 'ready'
  | 'stopping'
  | 'stopped'
  | 'lost'
  | 'shutting-down'
  | 'shut-down';

export interface LifecycleSteps {
  /** Rejecting leaves nothing behind. */
  start(options: { readonly signal: AbortSignal }): Promise<void>;
  stop(): Promise<void>;
  shutdown(options: ShutdownOptions): Promise<void>;
}

export interface ShutdownOptions {
  /** With `reuse`: remove the environment as well. Default: false. */
  readonly remove?: boolean;
}

const GONE_HINT = 'It does not come back: create a new companion.';

/** Orders a companion's transitions: one at a time, each of them callable in any state, twice and concurrently. */
export class Lifecycle {
  readonly #steps: LifecycleSteps;
  readonly #name: string;
  #state: LifecycleState = 'created';
  #starting: { readonly promise: Promise<void>; readonly abort: AbortController } | undefined;
  #stopping: Promise<void> | undefined;
  #shutdown: Promise<void> | undefined;

  constructor(name: string, steps: LifecycleSteps) {
    this.#name = name;
    this.#steps = steps;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  assertState(what: string, wanted: 'created' | 'ready'): void {
    const state = this.#state;
    if (state === wanted) return;
    if (state === 'lost') throw this.#lostError();
    const gone = state === 'shut-down' || state === 'shutting-down';
    const early = wanted === 'created' ? 'Configure a companion before init().' : 'Await init() first.';
    throw this.#wrongState(what, gone ? GONE_HINT : early);
  }

  async init({ signal }: Abortable): Promise<void> {
    while (this.#stopping !== undefined) await this.#stopping.catch(() => {});
    if (this.#shutdown !== undefined) throw this.#wrongState('init()', GONE_HINT);
    if (this.#state === 'ready') return;
    if (signal?.aborted) throw abortedError('init()', signal);
    if (this.#starting === undefined) {
      if (this.#state !== 'stopped') this.assertState('init()', 'created');
      const abort = new AbortController();
      this.#starting = { abort, promise: this.#start(abort.signal) };
    }
    const { promise, abort } = this.#starting;
    const onAbort = (): void => abort.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    // An event listener may have aborted it just now.
    if (signal?.aborted) onAbort();
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async stop(): Promise<void> {
    await this.#abortStart();
    if (this.#state === 'shutting-down') await this.#shutdown;
    if (this.#state === 'ready') this.#stopping = this.#stop();
    await this.#stopping;
  }

  async shutdown(options: ShutdownOptions): Promise<void> {
    this.#shutdown ??= this.#end(options);
    await this.#shutdown;
  }

  /** The environment has died by itself. False when it was on its way out anyway. */
  lose(): boolean {
    if (this.#state !== 'ready') return false;
    this.#state = 'lost';
    return true;
  }

  async #start(signal: AbortSignal): Promise<void> {
    const before = this.#state;
    this.#state = 'starting';
    try {
      await this.#steps.start({ signal });
      signal.throwIfAborted();
      this.#state = 'ready';
    } catch (error) {
      this.#state = before;
      throw signal.aborted ? abortedError('init()', signal) : error;
    } finally {
      this.#starting = undefined;
    }
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    try {
      await this.#steps.stop();
      this.#state = 'stopped';
    } catch (error) {
      // Still there, as far as anybody knows: stop() and shutdown() may be tried again.
      this.#state = 'ready';
      throw failedToEnd('stop', this.#name, error);
    } finally {
      this.#stopping = undefined;
    }
  }

  async #end(options: ShutdownOptions): Promise<void> {
    while ((this.#starting ?? this.#stopping) !== undefined) {
      await this.#abortStart();
      await this.#stopping?.catch(() => {});
    }
    const before = this.#state;
    this.#state = 'shutting-down';
    try {
      await this.#steps.shutdown(options);
      this.#state = 'shut-down';
    } catch (error) {
      this.#state = before;
      this.#shutdown = undefined;
      throw failedToEnd('shut down', this.#name, error);
    }
  }

  async #abortStart(): Promise<void> {
    if (this.#starting === undefined) return;
    const { promise, abort } = this.#starting;
    abort.abort(new Error('the companion was stopped while it started'));
    // Whoever called init() gets the error.
    await promise.catch(() => {});
  }

  #wrongState(what: string, hint: string): CompanionError {
    const message = `${what}: companion '${this.#name}' is ${this.#state}`;
    return new CompanionError('COMPANION_WRONG_STATE', message, { hint });
  }

  #lostError(): CompanionError {
    return new CompanionError(
      'COMPANION_ENVIRONMENT_LOST',
      `the environment of companion '${this.#name}' has died`,
      {
        hint: 'Shut this companion down and create a new one.',
      },
    );
  }
}

function failedToEnd(what: string, name: string, error: unknown): CompanionError {
  if (CompanionError.is(error, 'COMPANION_SHUTDOWN_FAILED')) return error;
  return new CompanionError(
    'COMPANION_SHUTDOWN_FAILED',
    `companion '${name}' could not be ${what === 'stop' ? 'stopped' : what}`,
    {
      cause: error,
      hint: 'Something may be left behind; it may be tried again.',
    },
  );
}
