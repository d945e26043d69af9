import { Readable } from 'node:stream';
import { CompanionError } from '../errors.js';
import { ByteQueue } from './byte-queue.js';

/** Held for a reader that has not come yet, per stream; then the process blocks, as with any pipe. */
const HELD_BYTES = 1024 * 1024;
/** Kept of every stream, for error messages, `logs()` and `waitForLine()`. */
const TAIL_BYTES = 64 * 1024;
/** A full stream that nobody reads is reported after so long. */
const UNREAD_NOTICE_MS = 10_000;

/** Sees an output go by. */
export interface OutputTap {
  onChunk(chunk: Buffer): void;
  onEnd(): void;
}

/**
 * One output of a process, from before its first byte: exists before the process does, holds what nobody has read,
 * and slows the process down when the reader is slow.
 *
 * It is *claimed* once somebody can read it, and *released* when the process is waited for and nobody has: then it
 * flows away, and claiming it is an error.
 */
export class OutputStream extends Readable {
  readonly #name: 'stdout' | 'stderr';
  readonly #onUnread: () => void;
  readonly #held = new ByteQueue();
  readonly #tail = new ByteQueue();
  readonly #taps = new Set<OutputTap>();
  readonly #waiting = new Set<() => void>();
  #source: Readable | undefined;
  #use: 'unclaimed' | 'claimed' | 'released' = 'unclaimed';
  #releasesWhenFull = false;
  #wanted = false;
  #finished = false;
  #chunks = 0;
  #unreadTimer: NodeJS.Timeout | undefined;

  constructor(name: 'stdout' | 'stderr', onUnread: () => void) {
    super({ highWaterMark: 64 * 1024 });
    this.#name = name;
    this.#onUnread = onUnread;
    // Destroying a stream that nobody listens to must not bring the program down.
    this.on('error', () => {});
  }

  /** For the public accessors: who calls this reads. */
  claim(): this {
    if (this.#use === 'released') {
      throw new CompanionError(
        'COMPANION_WRONG_STATE',
        `${this.#name} was let go: the process was waited for before anybody claimed it`,
        { hint: `Take ${this.#name}, lines() or withOutput() before calling wait() or stop().` },
      );
    }
    this.#use = 'claimed';
    this.#watchReader();
    return this;
  }

  /** Lets unclaimed output flow away, so that a process that is waited for can end. */
  release(): void {
    if (this.#use !== 'unclaimed') return;
    this.#use = 'released';
    this.resume();
  }

  /** For a process that must not block because nobody listens: the main process of an environment. */
  releaseWhenFull(): void {
    this.#releasesWhenFull = true;
  }

  get claimed(): boolean {
    return this.#use === 'claimed';
  }

  /** The last 64 KiB that came. */
  get tail(): Buffer {
    this.#tail.trim(TAIL_BYTES);
    return this.#tail.peek();
  }

  /** Sees every chunk as it comes, after what {@link tail} holds; reading is not affected. Returns the way to stop. */
  tap(tap: OutputTap): () => void {
    if (this.#tail.byteLength > 0) tap.onChunk(this.tail);
    if (this.#finished) tap.onEnd();
    else this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  /** Must be called in the tick in which the source came to be: later it may have dropped its first bytes. */
  attach(source: Readable): void {
    if (this.#finished) {
      source.destroy();
      return;
    }
    this.#source = source;
    if (source.destroyed || source.readableEnded) {
      this.finish();
      return;
    }
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    // A broken pipe says no more than a closed one: the verdict says how the process ended.
    for (const end of ['end', 'close', 'error']) source.once(end, () => this.finish());
  }

  /** No more will come; what is held stays readable. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#source?.destroy();
    if (this.#wanted) this.#give();
    for (const tap of this.#taps) tap.onEnd();
    this.#taps.clear();
    this.#wake();
  }

  /**
   * For a process that has ended: resolves at the end of its output, or once a descendant has held the pipe open,
   * empty and being read, for `idleMs`. The pipe is then cut. `settled` is asked before: what has stalled on its way looks
   * like silence.
   */
  async finishWhenIdle(idleMs: number, settled?: () => Promise<void>): Promise<void> {
    // Most processes close their outputs as they end: the news is one turn of the event loop away.
    await turn();
    while (!this.#finished) {
      const seen = this.#chunks;
      const idled = await this.#change(this.#beingRead() ? idleMs : undefined);
      if (!idled || seen !== this.#chunks || !this.#beingRead()) continue;
      await settled?.().catch(() => {});
      // Timers run before polling: after a stall of the event loop, bytes may still wait in the pipe.
      await turn();
      await turn();
      if (seen === this.#chunks && this.#beingRead()) this.finish();
    }
  }

  override _read(): void {
    this.#wanted = true;
    if (this.#unreadTimer !== undefined) {
      clearTimeout(this.#unreadTimer);
      this.#unreadTimer = undefined;
    }
    this.#give();
    this.#wake();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#unreadTimer);
    // As with any pipe whose reader goes away: the process finds out when it writes.
    this.finish();
    callback(error);
  }

  #take(chunk: Buffer): void {
    this.#chunks += 1;
    this.#tail.push(chunk);
    if (this.#tail.byteLength > 2 * TAIL_BYTES) this.#tail.trim(TAIL_BYTES);
    for (const tap of this.#taps) tap.onChunk(chunk);
    if (this.#finished) return;
    if (this.#wanted && this.#held.byteLength === 0) {
      this.#wanted = this.push(chunk);
      return;
    }
    this.#held.push(chunk);
    if (this.#held.byteLength < HELD_BYTES) return;
    if (this.#releasesWhenFull && this.#use === 'unclaimed') {
      this.release();
      return;
    }
    this.#source?.pause();
    this.#watchReader();
  }

  /** Somebody has claimed a full stream: that they read it is up to them, that they know is up to us. */
  #watchReader(): void {
    if (!this.claimed || this.#held.byteLength < HELD_BYTES || this.destroyed) return;
    this.#unreadTimer ??= setTimeout(this.#onUnread, UNREAD_NOTICE_MS).unref();
  }

  /** Hands over what is held, then lets the source go on, then the end. */
  #give(): void {
    while (this.#wanted) {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      this.#wanted = this.push(chunk);
    }
    if (this.#held.byteLength > 0) return;
    if (this.#finished) {
      this.#wanted = false;
      this.push(null);
    } else this.#source?.resume();
  }

  #beingRead(): boolean {
    return this.#held.byteLength === 0 && this.readableLength === 0;
  }

  /** Resolves at the next read or the end with false, or `ms` later with true. */
  #change(ms: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (idled: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(changed);
        resolve(idled);
      };
      const changed = (): void => settle(false);
      const timer = ms === undefined ? undefined : setTimeout(settle, ms, true);
      this.#waiting.add(changed);
    });
  }

  #wake(): void {
    for (const changed of this.#waiting) changed();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
