import { onAbort } from './abort.js';
import type { Abortable } from './backend.js';
import { abortedError, CompanionError } from './errors.js';

/** Where a companion is in its life. One whose `stop()` or `shutdown()` has failed stays in the middle of it. */
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
  /** After `shutdown()`: whether one that removes would find something. */
  readonly leavesSomething: boolean;
}

export interface ShutdownOptions {
  /** With `reuse`: remove the environment as well. Default: false. */
  readonly remove?: boolean;
}

interface Starting {
  readonly promise: Promise<void>;
  readonly abort: AbortController;
}

const GONE_HINT = 'It does not come back: create a new companion.';

/**
 * Orders a companion's transitions. What a call means is decided in the tick of the call; what it does is done in turn,
 * so that a backend never sees two transitions at once, whatever is called twice, concurrently or in the wrong state.
 */
export class Lifecycle {
  readonly #steps: LifecycleSteps;
  readonly #name: string;
  #state: LifecycleState = 'created';
  /** The last transition asked for; never rejects. */
  #last: Promise<void> = Promise.resolve();
  /** A start that no stop or shutdown has overtaken. */
  #starting: Starting | undefined;
  #shutdown: Promise<void> | undefined;
  #lostEarly = false;

  constructor(name: string, steps: LifecycleSteps) {
    this.#name = name;
    this.#steps = steps;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** @throws `COMPANION_WRONG_STATE`, or `COMPANION_ENVIRONMENT_LOST` when it has died. */
  assertState(what: string, wanted: 'created' | 'ready'): void {
    const state = this.#state;
    if (state === wanted) return;
    if (state === 'lost') throw this.#lostError();
    const gone = state === 'shut-down' || state === 'shutting-down';
    const early = wanted === 'created' ? 'Configure a companion before init().' : 'Await init() first.';
    throw this.#wrongState(what, gone ? GONE_HINT : early);
  }

  async init({ signal }: Abortable): Promise<void> {
    if (signal?.aborted) throw abortedError('init()', signal);
    if (this.#shutdown !== undefined) throw this.#wrongState('init()', GONE_HINT);
    const starting = this.#starting ?? this.#askToStart();
    const { promise, abort } = starting;
    const forget = onAbort(signal, () => {
      abort.abort(signal?.reason);
      // An init() that is called from now on is not aborted.
      if (this.#starting === starting) this.#starting = undefined;
    });
    try {
      await promise;
    } finally {
      forget();
    }
  }

  async stop(): Promise<void> {
    this.#overtakeStart();
    await this.#inTurn(() => this.#stop());
  }

  async shutdown(options: ShutdownOptions): Promise<void> {
    this.#overtakeStart();
    const earlier = this.#shutdown;
    this.#shutdown ??= this.#inTurn(() => this.#end(options));
    await this.#shutdown;
    // An earlier call may have kept what this one is to remove.
    if (earlier === undefined || !options.remove) return;
    await this.#inTurn(async () => {
      if (this.#steps.leavesSomething) await this.#end(options);
    });
  }

  /** The environment has died by itself. False when it was not ready, or on its way out anyway. */
  lose(): boolean {
    this.#lostEarly = this.#state === 'starting';
    if (this.#state !== 'ready') return false;
    this.#state = 'lost';
    return true;
  }

  #askToStart(): Starting {
    const abort = new AbortController();
    const promise = this.#inTurn(() => this.#start(abort.signal));
    const starting = { abort, promise };
    this.#starting = starting;
    const forget = (): void => {
      if (this.#starting === starting) this.#starting = undefined;
    };
    promise.then(forget, forget);
    return starting;
  }

  /** Whoever called init() gets the error. */
  #overtakeStart(): void {
    this.#starting?.abort.abort(new Error('the companion was stopped while it started'));
    this.#starting = undefined;
  }

  #inTurn(transition: () => Promise<void>): Promise<void> {
    const done = this.#last.then(transition);
    this.#last = done.catch(() => {});
    return done;
  }

  async #start(signal: AbortSignal): Promise<void> {
    if (this.#state === 'ready') return;
    if (signal.aborted) throw abortedError('init()', signal);
    if (this.#state === 'stopping')
      throw this.#wrongState('init()', 'It could not be stopped: try stop() again.');
    if (this.#state !== 'stopped') this.assertState('init()', 'created');
    const before = this.#state;
    this.#state = 'starting';
    this.#lostEarly = false;
    try {
      await this.#steps.start({ signal });
    } catch (error) {
      this.#state = before;
      throw error;
    }
    this.#state = this.#lostEarly ? 'lost' : 'ready';
    if (this.#lostEarly) throw this.#lostError();
  }

  async #stop(): Promise<void> {
    if (this.#state !== 'ready' && this.#state !== 'stopping') return;
    this.#state = 'stopping';
    try {
      await this.#steps.stop();
    } catch (error) {
      throw this.#failedError('stopped', error);
    }
    this.#state = 'stopped';
  }

  async #end(options: ShutdownOptions): Promise<void> {
    this.#state = 'shutting-down';
    try {
      await this.#steps.shutdown(options);
    } catch (error) {
      this.#shutdown = undefined;
      throw this.#failedError('shut down', error);
    }
    this.#state = 'shut-down';
  }

  #wrongState(what: string, hint: string): CompanionError {
    const message = `${what}: companion '${this.#name}' is ${this.#state}`;
    return new CompanionError('COMPANION_WRONG_STATE', message, { hint });
  }

  #lostError(): CompanionError {
    const message = `the environment of companion '${this.#name}' has died`;
    return new CompanionError('COMPANION_ENVIRONMENT_LOST', message, {
      hint: 'Shut this companion down and create a new one.',
    });
  }

  #failedError(what: string, error: unknown): CompanionError {
    if (CompanionError.is(error, 'COMPANION_SHUTDOWN_FAILED')) return error;
    const message = `companion '${this.#name}' could not be ${what}`;
    return new CompanionError('COMPANION_SHUTDOWN_FAILED', message, {
      cause: error,
      hint: 'Something may be left behind; it may be tried again.',
    });
  }
}
