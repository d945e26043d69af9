import type { Readable } from 'node:stream';
import type { FrameWriter } from './frame-writer.js';
import { ProtocolError } from './protocol.js';

/** What may be on its way or unread, per output: a few reads of a pipe. */
export const OUTPUT_WINDOW = 256 * 1024;
/** The same for a reader that keeps up. */
const WIDE_WINDOW = 1024 * 1024;
/** What a reader has to take as it comes before. Who only collects some for a reader to come takes less. */
const KEPT_UP_BYTES = 4 * 1024 * 1024;
/** Credit is given in portions: each wakes everybody on its way to the supervisor, an engine and its helpers included. */
const CREDIT_BYTES = OUTPUT_WINDOW / 4;
const WIDE_CREDIT_BYTES = WIDE_WINDOW / 2;
/** Pieces up to this length are put together while nobody takes them: each alone would hold far more than its bytes. */
const SMALL_BYTES = 8 * 1024;
const BLOCK_BYTES = 16 * 1024;

/** Of the stream that is read; what comes beyond it is held here. */
export const READABLE_BYTES = 32 * 1024;

/** Feeds a readable with an output of a process or a connection, and gives credit for what its reader has taken. */
export class OutputFlow {
  readonly #writer: FrameWriter;
  readonly #id: number;
  readonly #stream: number;
  readonly #readable: Readable;
  /** What the supervisor may send. */
  #allowed = OUTPUT_WINDOW;
  /** What has been taken as it came, since something had to wait. */
  #keptUp = 0;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** A block that small pieces are put into; the last of what is held. */
  #block: Buffer | undefined;
  #blockUsed = 0;
  #state: 'open' | 'ended' | 'closed' = 'open';

  constructor(writer: FrameWriter, id: number, stream: number, readable: Readable) {
    this.#writer = writer;
    this.#id = id;
    this.#stream = stream;
    this.#readable = readable;
  }

  receive(piece: Buffer): void {
    if (this.#state === 'ended') throw new ProtocolError('the supervisor sent output after its end');
    if (piece.length > this.#allowed) throw new ProtocolError('the supervisor sent more than the window');
    this.#allowed -= piece.length;
    if (this.#state === 'closed') return;
    if (this.#heldBytes > 0 || this.#readable.readableLength >= READABLE_BYTES) this.#hold(piece);
    else this.#push(this.#readable.readableFlowing ? piece : compact(piece));
    this.#keptUp = this.#unread > 0 ? 0 : this.#keptUp + piece.length;
    this.credit();
  }

  /** What has come stays readable. */
  end(): void {
    if (this.#state === 'ended') throw new ProtocolError('the supervisor ended an output twice');
    const closed = this.#state === 'closed';
    this.#state = 'ended';
    if (!closed) this.give();
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Nobody reads any more: whoever writes finds out. */
  close(): void {
    if (this.#state === 'open') this.#writer.close(this.#id, this.#stream);
    this.forget();
    this.#held = [];
    this.#heldBytes = 0;
    this.#block = undefined;
  }

  /** No frame is sent any more. */
  forget(): void {
    if (this.#state === 'open') this.#state = 'closed';
  }

  /** The readable wants more. */
  give(): void {
    while (this.#heldBytes > 0) {
      const piece = this.#shift();
      this.#heldBytes -= piece.length;
      if (!this.#push(piece)) break;
    }
    if (this.#heldBytes === 0 && this.#state === 'ended') this.#push(null);
  }

  /** To be called when the reader may have taken something. */
  credit(): void {
    if (this.#state !== 'open') return;
    const wide = this.#keptUp >= KEPT_UP_BYTES;
    const room = (wide ? WIDE_WINDOW : OUTPUT_WINDOW) - this.#allowed - this.#unread;
    if (room < (wide ? WIDE_CREDIT_BYTES : CREDIT_BYTES)) return;
    this.#allowed += room;
    this.#writer.credit(this.#id, this.#stream, room);
  }

  get #unread(): number {
    return this.#heldBytes + this.#readable.readableLength;
  }

  #push(piece: Buffer | null): boolean {
    try {
      return this.#readable.push(piece);
    } catch (error) {
      // A listener's: it is this reader's own affair, and every other stream comes through the same call.
      process.nextTick(() => {
        throw error;
      });
      return true;
    }
  }

  #hold(piece: Buffer): void {
    this.#heldBytes += piece.length;
    if (piece.length > SMALL_BYTES) {
      this.#sealBlock();
      this.#held.push(piece);
      return;
    }
    if (this.#block !== undefined && this.#block.length - this.#blockUsed < piece.length) this.#sealBlock();
    this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#blockUsed += piece.copy(this.#block, this.#blockUsed);
  }

  #sealBlock(): void {
    if (this.#block !== undefined) this.#held.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = undefined;
    this.#blockUsed = 0;
  }

  #shift(): Buffer {
    if (this.#held.length === 0) this.#sealBlock();
    return this.#held.shift() ?? Buffer.alloc(0);
  }
}

/** A short piece of a long chunk would keep the whole chunk while it waits to be read. */
function compact(piece: Buffer): Buffer {
  return piece.length * 4 < piece.buffer.byteLength ? Buffer.from(piece) : piece;
}
