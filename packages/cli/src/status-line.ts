import type { CompanionEvent } from '@companion/core/backend';
import type { OutputSink } from './standard-streams.js';

/** The last line of a terminal, written over and over and gone in the end. Silent where there is no terminal. */
export class StatusLine {
  readonly #sink: OutputSink;
  #shown = false;

  constructor(sink: OutputSink) {
    this.#sink = sink;
  }

  show(text: string): void {
    if (this.#sink.isTTY !== true) return;
    this.#shown = true;
    // A line that wraps could not be written over; a terminal that was never told its size says 0.
    this.#sink.write(`\r\x1b[K${text.slice(0, (this.#sink.columns || 80) - 1)}`);
  }

  clear(): void {
    if (!this.#shown) return;
    this.#shown = false;
    this.#sink.write('\r\x1b[K');
  }
}

/** Draws the pulling of an image: the bytes of all layers together. */
export class PullProgress {
  readonly #line: StatusLine;
  readonly #layers = new Map<string, { readonly bytes: number; readonly totalBytes: number }>();

  constructor(line: StatusLine) {
    this.#line = line;
  }

  take(event: CompanionEvent): void {
    if (event.topic !== 'image' || event.type === 'pulled') {
      this.#line.clear();
      return;
    }
    if (event.type === 'progress' && event.bytes !== undefined && event.totalBytes !== undefined) {
      this.#layers.set(event.layer, { bytes: event.bytes, totalBytes: event.totalBytes });
    }
    const sum = (key: 'bytes' | 'totalBytes'): string =>
      ([...this.#layers.values()].reduce((total, layer) => total + layer[key], 0) / 1e6).toFixed(1);
    const amount = this.#layers.size === 0 ? '' : `: ${sum('bytes')} of ${sum('totalBytes')} MB`;
    this.#line.show(`pulling ${event.reference}${amount}`);
  }
}
