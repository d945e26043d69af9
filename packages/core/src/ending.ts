/**
 * The end of a running environment, told to everybody who waits for something inside. Not a promise: what waits on a
 * promise is held by it until it settles, and this one usually outlives a great many waits.
 */
export class Ending {
  readonly #listeners = new Set<(error: Error) => void>();
  #error: Error | undefined;

  get error(): Error | undefined {
    return this.#error;
  }

  /** The first error counts. */
  end(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const listener of this.#listeners) listener(error);
    this.#listeners.clear();
  }

  /** Calls the listener at the end, at once if it is over already. Returns the way to forget it. */
  onEnd(listener: (error: Error) => void): () => void {
    if (this.#error !== undefined) listener(this.#error);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
