import { Transform, type TransformCallback } from 'node:stream';

/** Of an attached stream without a terminal: one byte says whose piece it is, four how long it is, big-endian. */
const HEADER_BYTES = 8;
const STDOUT = 1;
const STDERR = 2;
/** Of what somebody complains of: enough for a message. */
const COMPLAINT_BYTES = 4096;

/**
 * What a container says on its output, of the multiplexed stream of an engine's attach
 * (docs.docker.com, Engine API, "Attach to a container", "Stream format"). Back-pressure of the reader is that of the
 * engine. Pieces are handed on as they come, never joined.
 */
export class Demultiplexer extends Transform {
  #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #stream = 0;
  #left = 0;
  /** The end of what the container has said on its error output. */
  complaint = '';

  constructor() {
    super({ readableHighWaterMark: 1024 * 1024, writableHighWaterMark: 1024 * 1024 });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left === 0) {
        const taken = chunk.copy(this.#header, this.#headerBytes, at, at + HEADER_BYTES - this.#headerBytes);
        at += taken;
        this.#headerBytes += taken;
        if (this.#headerBytes < HEADER_BYTES) break;
        this.#headerBytes = 0;
        this.#stream = this.#header.readUInt8(0);
        this.#left = this.#header.readUInt32BE(4);
        if (this.#stream > 3) {
          done(new Error('the engine sent something else than the output of a container'));
          return;
        }
        continue;
      }
      const piece = chunk.subarray(at, at + this.#left);
      at += piece.length;
      this.#left -= piece.length;
      if (this.#stream === STDOUT) this.push(piece);
      else if (this.#stream >= STDERR) this.#complain(piece);
    }
    done();
  }

  #complain(piece: Buffer): void {
    this.complaint = (this.complaint + piece.toString('utf8')).slice(-COMPLAINT_BYTES);
  }
}
