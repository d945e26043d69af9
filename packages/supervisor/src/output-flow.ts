import type { Readable } from 'node:stream';
import type { FrameWriter } from './frame-writer.js';
import { ProtocolError } from './protocol.js';

/** What may be on its way or unread, per output: a few reads of a pipe. */
export const OUTPUT_WINDOW = 256 * 1024;
/** Credit is given in portions: a frame for every piece would cost more than the piece. */
const CREDIT_BYTES = OUTPUT_WINDOW / 4;
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
  /** What has come and has no credit yet. */
  #uncredited = 0;
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
    this.#uncredited += piece.length;
    if (this.#uncredited > OUTPUT_WINDOW) throw new ProtocolError('the supervisor sent more than the window');
    if (this.#state === 'closed') return;
    if (this.#heldBytes > 0 || this.#readable.readableLength >= READABLE_BYTES) this.#hold(piece);
    else this.#push(this.#readable.readableFlowing ? piece : compact(piece));
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
    const taken = this.#uncredited - this.#heldBytes - this.#readable.readableLength;
    if (taken < CREDIT_BYTES) return;
    this.#uncredited -= taken;
    this.#writer.credit(this.#id, this.#stream, taken);
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
