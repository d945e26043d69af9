import type { FrameWriter, Sender } from './frame-writer.js';
import { INITIAL_INPUT_WINDOW, MAX_PAYLOAD_BYTES } from './protocol.js';

/** Sends what is written to a process or a connection, as its window and the stream allow. */
export class InputFlow implements Sender {
  readonly #writer: FrameWriter;
  readonly #id: number;
  #window = INITIAL_INPUT_WINDOW;
  /** What has not been sent of the chunk at hand. */
  #rest: Buffer | undefined;
  #done: (() => void) | undefined;
  #ended = false;

  constructor(writer: FrameWriter, id: number) {
    this.#writer = writer;
    this.#id = id;
  }

  /** One chunk at a time, as streams do. `done` is called once its bytes are not needed any more. */
  write(chunk: Buffer, done: () => void): void {
    if (this.#ended || chunk.length === 0) {
      done();
      return;
    }
    this.#rest = chunk;
    this.#done = done;
    this.send();
  }

  /** Once: end-of-file. */
  end(): void {
    if (this.#ended) return;
    this.stop();
    this.#writer.stdinEnd(this.#id);
  }

  credit(bytes: number): void {
    this.#window += bytes;
    this.send();
  }

  /** Nobody reads any more: what is at hand and whatever comes disappears. */
  stop(): void {
    this.#ended = true;
    this.#writer.forget(this);
    this.#rest = undefined;
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  get ended(): boolean {
    return this.#ended;
  }

  send(): void {
    while (this.#rest !== undefined && this.#window > 0) {
      if (!this.#writer.hasRoom) {
        this.#writer.waitForRoom(this);
        return;
      }
      const piece = this.#rest.subarray(0, Math.min(this.#window, MAX_PAYLOAD_BYTES));
      this.#window -= piece.length;
      if (piece.length < this.#rest.length) {
        this.#rest = this.#rest.subarray(piece.length);
        this.#writer.stdin(this.#id, piece);
        continue;
      }
      const done = this.#done;
      this.#rest = undefined;
      this.#done = undefined;
      this.#writer.stdin(this.#id, piece, done);
    }
  }
}
