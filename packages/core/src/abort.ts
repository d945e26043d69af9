interface Shared {
  readonly listeners: Set<() => void>;
  readonly notify: () => void;
}

/** One listener per signal, however many wait for it: Node warns at the eleventh, and a batch has hundreds. */
const shared = new WeakMap<AbortSignal, Shared>();

/** Calls `listener` when the signal aborts, at once if it has already. Returns the way to forget it. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener();
    return () => {};
  }
  const { listeners, notify } = shared.get(signal) ?? listenTo(signal);
  // A listener may be given twice; each call is forgotten on its own.
  const call = (): void => listener();
  listeners.add(call);
  return () => {
    listeners.delete(call);
    if (listeners.size > 0) return;
    signal.removeEventListener('abort', notify);
    shared.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Shared {
  const listeners = new Set<() => void>();
  const notify = (): void => {
    shared.delete(signal);
    for (const listener of listeners) listener();
  };
  const entry = { listeners, notify };
  shared.set(signal, entry);
  signal.addEventListener('abort', notify, { once: true });
  return entry;
}
