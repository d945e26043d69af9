/** What came of waiting for a promise no longer than so many milliseconds. */
export type Within<T> =
  | { readonly is: 'done'; readonly value: T }
  | { readonly is: 'failed'; readonly error: unknown }
  | { readonly is: 'late' };

/** Waits for a promise that may never settle. Never rejects; a late rejection is given up. */
export async function within<T>(promise: Promise<T>, milliseconds: number): Promise<Within<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Within<T>>((resolve) => {
    timer = setTimeout(() => resolve({ is: 'late' }), milliseconds);
  });
  const settled = promise.then(
    (value): Within<T> => ({ is: 'done', value }),
    (error: unknown): Within<T> => ({ is: 'failed', error }),
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
