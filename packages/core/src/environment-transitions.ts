import { onAbort } from './abort.js';
import type { Environment, Started } from './backend.js';
import type { ShutdownOptions } from './lifecycle.js';

/** How long a backend may take to clean up after an aborted start before the caller is let go. */
const ABORTED_START_MS = 10_000;

/** One environment's transitions, never two at once: also while a start goes on that nobody waits for any more. */
export class EnvironmentTransitions {
  readonly environment: Environment;
  readonly #reuse: boolean;
  /** The last transition asked for; never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #isStarting = false;
  /** What a `shutdown()` that resolved has left. */
  #left: 'nothing' | 'for reuse' | undefined;

  constructor(environment: Environment, { reuse }: { readonly reuse: boolean }) {
    this.environment = environment;
    this.#reuse = reuse;
  }

  /** A start is under way, perhaps one that was given up: what is asked for now waits as long as that takes. */
  get isStarting(): boolean {
    return this.#isStarting;
  }

  get isGone(): boolean {
    return this.#left === 'nothing';
  }

  /** A backend has to give up an aborted start by itself; the caller is let go even if it does not. */
  async start(signal: AbortSignal): Promise<Started> {
    const starting = this.#inTurn(() => this.#start(signal));
    let timer: NodeJS.Timeout | undefined;
    let forget = (): void => {};
    const givenUp = new Promise<never>((_, reject) => {
      forget = onAbort(signal, () => {
        timer = setTimeout(() => reject(signal.reason), ABORTED_START_MS);
      });
    });
    try {
      return await Promise.race([starting, givenUp]);
    } finally {
      clearTimeout(timer);
      forget();
    }
  }

  async stop(): Promise<void> {
    await this.#inTurn(() => this.environment.stop());
  }

  /** Does nothing where an earlier one has left nothing for this one to do. */
  async shutdown(options: ShutdownOptions): Promise<void> {
    await this.#inTurn(async () => {
      if (this.isGone || (this.#left === 'for reuse' && !options.remove)) return;
      await this.environment.shutdown(options);
      this.#left = this.#reuse && !options.remove ? 'for reuse' : 'nothing';
    });
  }

  async #start(signal: AbortSignal): Promise<Started> {
    signal.throwIfAborted();
    this.#isStarting = true;
    try {
      return await this.environment.start({ signal });
    } finally {
      this.#isStarting = false;
    }
  }

  #inTurn<T>(transition: () => Promise<T>): Promise<T> {
    const done = this.#last.then(transition);
    this.#last = done.catch(() => {});
    return done;
  }
}
