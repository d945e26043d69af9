import { AssertionError } from 'node:assert';
import { describeError } from './failure.js';

/** What a case waits for, so that one which waits in vain says for what. */
export class PendingDemands {
  readonly #waiting = new Map<symbol, string>();
  readonly #signal: AbortSignal;

  /** `signal` aborts the case: what rejects from then on has nothing to say about the backend. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** As {@link CaseContext.due}. */
  readonly due = async <T>(demand: string, promise: Promise<T>): Promise<T> => {
    const key = Symbol(demand);
    this.#waiting.set(key, demand);
    try {
      return await promise;
    } catch (error) {
      if (this.#signal.aborted || error instanceof AssertionError) throw error;
      const message = `${demand}: ${describeError(error)}`;
      throw Object.assign(new AssertionError({ message, stackStartFn: this.due }), { cause: error });
    } finally {
      this.#waiting.delete(key);
    }
  };

  /** What has not come until now, each once, in the order in which the waiting began. */
  list(): readonly string[] {
    return [...new Set(this.#waiting.values())];
  }
}
