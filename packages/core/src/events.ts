import { channel } from 'node:diagnostics_channel';
import type { CompanionEvent } from './backend.js';

/** Which companion an event is about; added to every event that core publishes. */
export interface EventOrigin {
  readonly companion: {
    readonly id: string;
    readonly name: string;
    /** `null` until one is chosen. */
    readonly backend: string | null;
  };
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What subscribers of `companion:<topic>` and `onEvent` receive: the same object. */
export type PublishedEvent = CompanionEvent & EventOrigin;

export type EventListener = (event: PublishedEvent) => void;

const CHANNELS = {
  selection: channel('companion:selection'),
  environment: channel('companion:environment'),
  image: channel('companion:image'),
  process: channel('companion:process'),
} as const;

/** Publishes one companion's events on `node:diagnostics_channel` and to its `onEvent`. */
export class EventPublisher {
  #companion: EventOrigin['companion'];
  readonly #listener: EventListener | undefined;

  constructor(
    companion: { readonly id: string; readonly name: string },
    listener: EventListener | undefined,
  ) {
    this.#companion = Object.freeze({ ...companion, backend: null });
    this.#listener = listener;
  }

  /** Selection has ended. */
  chose(backend: string): void {
    this.#companion = Object.freeze({ ...this.#companion, backend });
  }

  readonly emit = (event: CompanionEvent): void => {
    // A backend that is newer than this core may have topics of its own.
    const target = Object.hasOwn(CHANNELS, event.topic) ? CHANNELS[event.topic] : undefined;
    // Hot path: two events per process, and usually nobody listens.
    if (this.#listener === undefined && target?.hasSubscribers !== true) return;
    const published: PublishedEvent = Object.freeze({
      ...event,
      companion: this.#companion,
      at: Date.now(),
    });
    target?.publish(published);
    try {
      this.#listener?.(published);
    } catch (error) {
      // A listener's mistake must not change what the companion does, and must not vanish either
      // (diagnostics_channel treats its subscribers' mistakes the same way).
      process.nextTick(() => {
        throw error;
      });
    }
  };
}
