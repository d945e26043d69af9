import { type ImageEngine, streamFromEngine } from './engine-call.js';
import { pullFailure } from './image-failure.js';
import { LayerProgress, type LayerState } from './layer-progress.js';
import { readMessages } from './message-stream.js';
import { askedPlatform, type Platform } from './platform.js';
import type { ImageReference } from './reference.js';
import { findLogin } from './registry-credentials.js';

/** One pull in this process, for everyone who wants the same image of the same engine at the time. */
interface SharedPull {
  readonly done: Promise<void>;
  readonly progress: LayerProgress;
  readonly listeners: Set<(state: LayerState) => void>;
  readonly controller: AbortController;
}

const pulls = new Map<string, SharedPull>();

/**
 * Has the engine pull an image. Those who ask for the same at the same time share one pull, and it ends with the last of
 * them that gives up: the engine then cancels it. Rejects with `IMAGE_UNAVAILABLE`, or with the signal's reason at once.
 */
export async function pullImage(
  engine: ImageEngine,
  image: { readonly reference: ImageReference; readonly platform: Platform | undefined },
  options: {
    readonly onProgress: (state: LayerState) => void;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { onProgress, signal } = options;
  signal?.throwIfAborted();
  const key = [engine.endpoint.address, image.reference.full, askedPlatform(image.platform)].join(' ');
  const pull = pulls.get(key) ?? beginPull(key, engine, image);
  // A listener of its own per caller: two may pass the same function.
  const listener = (state: LayerState): void => onProgress(state);
  for (const state of pull.progress.states) listener(state);
  pull.listeners.add(listener);
  try {
    await orAborted(pull.done, signal);
  } finally {
    pull.listeners.delete(listener);
    if (pull.listeners.size === 0) {
      forget(key, pull);
      pull.controller.abort();
    }
  }
}

function beginPull(
  key: string,
  engine: ImageEngine,
  image: { readonly reference: ImageReference; readonly platform: Platform | undefined },
): SharedPull {
  const controller = new AbortController();
  const listeners = new Set<(state: LayerState) => void>();
  const progress = new LayerProgress((state) => {
    for (const listener of listeners) listener(state);
  });
  const done = runPull(engine, image, progress, controller.signal);
  const pull: SharedPull = { done, progress, listeners, controller };
  pulls.set(key, pull);
  // Whoever gave up does not wait; whoever comes after the end begins anew.
  done.catch(() => {}).finally(() => forget(key, pull));
  return pull;
}

function forget(key: string, pull: SharedPull): void {
  if (pulls.get(key) === pull) pulls.delete(key);
}

async function runPull(
  engine: ImageEngine,
  image: { readonly reference: ImageReference; readonly platform: Platform | undefined },
  progress: LayerProgress,
  signal: AbortSignal,
): Promise<void> {
  const { reference } = image;
  const platform = askedPlatform(image.platform);
  const login = await findLogin(reference, { kind: engine.kind, env: process.env, signal });
  try {
    const stream = await streamFromEngine(
      engine,
      {
        method: 'POST',
        path: '/images/create?',
        options: {
          fromImage: `${reference.registry}/${reference.path}`,
          tag: reference.digest ?? reference.tag,
          ...(platform !== '' && { platform }),
        },
        authconfig: login.auth,
      },
      signal,
    );
    for await (const message of readMessages(stream, signal)) progress.add(message);
  } catch (error) {
    throw signal.aborted
      ? signal.reason
      : pullFailure(error, { reference, platform, login, kind: engine.kind });
  } finally {
    progress.flush();
  }
}

async function orAborted<T>(done: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return done;
  let giveUp = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([done, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
