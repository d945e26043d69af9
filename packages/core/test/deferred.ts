/** A promise that a test settles by hand: how it decides what happens before what. */
export interface Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // A test that never gets as far as awaiting it fails for a better reason than an unhandled rejection.
  promise.catch(() => {});
  return { promise, ...settle! };
}
