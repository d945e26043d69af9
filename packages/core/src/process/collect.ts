import { LineSplitter } from './lines.js';
import type { OutputStream } from './output-stream.js';

export interface CollectorOptions {
  /** Of both streams together. */
  readonly maxBytes: number;
  readonly onLine: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined;
  onTooLarge(): void;
  /** `onLine` threw. */
  onFailure(cause: unknown): void;
}

/** Collects both outputs of a process, up to a limit. A stream that somebody else has claimed is left alone. */
export class Collector {
  readonly maxBytes: number;
  /** Resolves once both streams have been read to their ends. */
  readonly done: Promise<unknown>;
  readonly #options: CollectorOptions;
  readonly #chunks: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  #bytes = 0;
  #full = false;

  constructor(stdout: OutputStream, stderr: OutputStream, options: CollectorOptions) {
    this.#options = options;
    this.maxBytes = options.maxBytes;
    this.done = Promise.all([this.#collect(stdout, 'stdout'), this.#collect(stderr, 'stderr')]);
  }

  output(name: 'stdout' | 'stderr', encoding: 'utf8' | 'buffer'): string | Buffer {
    const chunks = this.#chunks[name];
    const [first, ...more] = chunks;
    // Mostly there is one or none: nothing to put together.
    if (encoding === 'utf8' && more.length === 0) return first?.toString('utf8') ?? '';
    const all = Buffer.concat(chunks);
    return encoding === 'utf8' ? all.toString('utf8') : all;
  }

  #collect(stream: OutputStream, name: 'stdout' | 'stderr'): Promise<void> {
    const lines = this.#lineReader(stream, name);
    if (stream.claimed) return lines;
    stream.claim().on('data', (chunk: Buffer) => this.#take(chunk, name));
    return new Promise((resolve) => {
      stream.once('close', () => resolve(lines));
    });
  }

  #take(chunk: Buffer, name: 'stdout' | 'stderr'): void {
    if (this.#full) return;
    const room = this.maxBytes - this.#bytes;
    this.#chunks[name].push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#bytes += chunk.length;
    if (this.#bytes <= this.maxBytes) return;
    this.#full = true;
    this.#options.onTooLarge();
  }

  /** Lines come from a tap, so that they come for streams that go elsewhere, too. */
  #lineReader(stream: OutputStream, name: 'stdout' | 'stderr'): Promise<void> {
    const { onLine, onFailure } = this.#options;
    if (onLine === undefined) return Promise.resolve();
    const splitter = LineSplitter.strict();
    return new Promise((resolve) => {
      const report = (lines: Iterable<string>): void => {
        try {
          for (const line of lines) onLine(line, name);
        } catch (error) {
          stop();
          resolve();
          onFailure(error);
        }
      };
      const stop = stream.tap({
        onChunk: (chunk) => report(splitter.push(chunk)),
        onEnd: () => {
          report(splitter.end());
          resolve();
        },
      });
    });
  }
}
