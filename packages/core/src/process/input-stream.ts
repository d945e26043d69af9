import { Writable } from 'node:stream';

/**
 * Standard input of a process: exists before the process does, passes back-pressure on, and falls silent when the
 * process has gone. What a process did not read is not an error; its verdict is the truth.
 */
export class InputStream extends Writable {
  #sink: Writable | undefined;
  #gone = false;
  /** The write that waits for the sink, with its way to go on. */
  #waiting: { start: () => void; done: () => void } | undefined;

  constructor() {
    super({ decodeStrings: true });
    this.on('error', () => {});
  }

  attach(sink: Writable): void {
    this.#sink = sink;
    sink.on('error', () => this.detach());
    sink.once('close', () => this.detach());
    // Ended by being destroyed, before there was anything to end.
    if (this.destroyed) sink.end();
    else this.#waiting?.start();
  }

  /** Nobody reads any more: everything written from now on disappears quietly. */
  detach(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#sink?.destroy();
    this.#waiting?.done();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#pass(callback, (sink, done) => sink.write(chunk, done));
  }

  override _final(callback: () => void): void {
    this.#pass(callback, (sink, done) => {
      sink.end();
      done();
    });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#sink?.end();
    callback(error);
  }

  #pass(callback: () => void, write: (sink: Writable, done: () => void) => void): void {
    if (this.#gone) {
      callback();
      return;
    }
    let settled = false;
    const done = (): void => {
      // The sink answers with EPIPE after detach() has answered already.
      if (settled) return;
      settled = true;
      this.#waiting = undefined;
      callback();
    };
    const start = (): void => {
      if (this.#sink !== undefined) write(this.#sink, done);
    };
    this.#waiting = { start, done };
    start();
  }
}
