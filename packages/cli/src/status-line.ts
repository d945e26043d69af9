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

interface Layer {
  readonly status: string;
  /** The most that was told: unpacking counts from 0 again. */
  readonly bytes: number;
  readonly totalBytes: number;
}

/**
 * Draws what a start is busy with. Of an image, the bytes of all layers together, or the layers where an engine tells no
 * bytes.
 */
export class StartProgress {
  readonly #line: StatusLine;
  readonly #layers = new Map<string, Layer>();

  constructor(line: StatusLine) {
    this.#line = line;
  }

  take(event: CompanionEvent): void {
    if (event.topic === 'environment' && event.type === 'busy') {
      this.#line.show(event.message);
      return;
    }
    if (event.topic !== 'image' || event.type === 'pulled') {
      this.#line.clear();
      return;
    }
    if (event.type === 'progress') {
      const { layer, status, bytes = 0, totalBytes = 0 } = event;
      const known = this.#layers.get(layer);
      const total = Math.max(known?.totalBytes ?? 0, totalBytes);
      const most = isDone(status) ? total : Math.max(known?.bytes ?? 0, bytes);
      this.#layers.set(layer, { status, bytes: most, totalBytes: total });
    }
    this.#line.show(`pulling ${event.reference}${this.#amount()}`);
  }

  #amount(): string {
    const layers = [...this.#layers.values()];
    const sum = (key: 'bytes' | 'totalBytes'): number =>
      layers.reduce((total, layer) => total + layer[key], 0);
    const [bytes, totalBytes] = [sum('bytes'), sum('totalBytes')];
    const busy = layers.filter(({ status }) => !isDone(status));
    if (totalBytes === 0) {
      return layers.length === 0 ? '' : `: ${layers.length - busy.length} of ${layers.length} layers`;
    }
    if (bytes < totalBytes) return `: ${megabytes(bytes)} of ${megabytes(totalBytes)} MB`;
    const isUnpacked = layers.every(({ status }) => /pull complete|exists/i.test(status));
    return `: ${megabytes(totalBytes)} MB${isUnpacked ? '' : ', unpacking'}`;
  }
}

/** In the words of engines: what they say of a layer is only meant to be read. */
function isDone(status: string): boolean {
  return /complete|exists/i.test(status);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
