import type { Writable } from 'node:stream';
import { ClientFrame, COUNTED_HEADER_BYTES, HEADER_BYTES, PROTOCOL_VERSION } from './protocol.js';
import type { SpawnPayload } from './spawn-frame.js';

/** Frames are laid out one behind the other in blocks of this size. */
const BLOCK_BYTES = 16 * 1024;
/** Input up to this size is copied between the frames; above it, one more buffer costs less than the copy. */
const COPIED_BYTES = 4 * 1024;
/** More than this does not wait for the end of the turn. */
const FLUSHED_BYTES = 64 * 1024;

/** Somebody with input to send, who waits for the stream to take it. */
export interface Sender {
  send(): void;
}

/**
 * Lays out the client's frames and writes those of one turn of the event loop at once: a system call for each would
 * cost more than everything else here.
 */
export class FrameWriter {
  #stream!: Writable;
  readonly #waiting = new Set<Sender>();
  #block = Buffer.alloc(0);
  /** Of what has been laid out in the block and not been queued. */
  #start = 0;
  #end = 0;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** Callbacks of input that is queued uncopied: its sender may reuse the buffer afterwards. */
  #sent: (() => void)[] = [];
  #scheduled = false;
  #held = false;
  #stopped = false;

  constructor(stream: Writable) {
    this.#use(stream);
  }

  hello(): void {
    const at = this.#frame(ClientFrame.HELLO, 0, 4);
    this.#block.writeUInt16LE(PROTOCOL_VERSION, at);
    this.#block.writeUInt16LE(0, at + 2);
  }

  spawn(id: number, payload: SpawnPayload): void {
    const at = this.#frame(ClientFrame.SPAWN, id, payload.size);
    payload.write(this.#block, at);
  }

  /** False while the stream is full: input waits then, in {@link waitForRoom}. */
  get hasRoom(): boolean {
    return !this.#stream.writableNeedDrain;
  }

  waitForRoom(sender: Sender): void {
    this.#waiting.add(sender);
  }

  forget(sender: Sender): void {
    this.#waiting.delete(sender);
  }

  /** `sent` is called once the bytes are not needed any more, perhaps at once. */
  stdin(id: number, bytes: Buffer, sent?: () => void): void {
    if (bytes.length <= COPIED_BYTES) {
      const at = this.#frame(ClientFrame.STDIN, id, bytes.length);
      bytes.copy(this.#block, at);
      sent?.();
      return;
    }
    this.#header(ClientFrame.STDIN, id, bytes.length, HEADER_BYTES);
    this.#queueBlock();
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (sent !== undefined) this.#sent.push(sent);
    if (this.#queuedBytes >= FLUSHED_BYTES) this.#flush();
  }

  stdinEnd(id: number): void {
    this.#frame(ClientFrame.STDIN_EOF, id, 0);
  }

  credit(id: number, stream: number, bytes: number): void {
    const at = this.#frame(ClientFrame.CREDIT, id, 5);
    this.#block.writeUInt8(stream, at);
    this.#block.writeUInt32LE(bytes, at + 1);
  }

  signal(id: number, request: number, target: number, number: number): void {
    const at = this.#frame(ClientFrame.SIGNAL, id, 6);
    this.#block.writeUInt32LE(request, at);
    this.#block.writeUInt8(target, at + 4);
    this.#block.writeUInt8(number, at + 5);
  }

  resize(id: number, columns: number, rows: number): void {
    const at = this.#frame(ClientFrame.RESIZE, id, 4);
    this.#block.writeUInt16LE(columns, at);
    this.#block.writeUInt16LE(rows, at + 2);
  }

  connect(id: number, port: number, window: number): void {
    const at = this.#frame(ClientFrame.CONNECT, id, 8);
    this.#block.writeUInt16LE(port, at);
    this.#block.writeUInt16LE(0, at + 2);
    this.#block.writeUInt32LE(window, at + 4);
  }

  close(id: number, stream: number): void {
    const at = this.#frame(ClientFrame.CLOSE, id, 1);
    this.#block.writeUInt8(stream, at);
  }

  list(id: number, request: number): void {
    const at = this.#frame(ClientFrame.LIST, id, 4);
    this.#block.writeUInt32LE(request, at);
  }

  listening(request: number, port: number): void {
    const at = this.#frame(ClientFrame.LISTENING, 0, 6);
    this.#block.writeUInt32LE(request, at);
    this.#block.writeUInt16LE(port, at + 4);
  }

  endAll(request: number, graceMs: number): void {
    const at = this.#frame(ClientFrame.END_ALL, 0, 8);
    this.#block.writeUInt32LE(request, at);
    this.#block.writeUInt32LE(graceMs, at + 4);
  }

  ping(request: number): void {
    const at = this.#frame(ClientFrame.PING, 0, 4);
    this.#block.writeUInt32LE(request, at);
  }

  /** At once, also while everything else is held. */
  move(request: number, token: Buffer, path: string): void {
    const text = Buffer.from(`${path}\0`);
    const head = Buffer.alloc(HEADER_BYTES + 4);
    head.writeUInt32LE(COUNTED_HEADER_BYTES + 4 + token.length + text.length, 0);
    head.writeUInt8(ClientFrame.MOVE, 4);
    head.writeUInt32LE(request, HEADER_BYTES);
    this.#flush();
    if (!this.#stopped) this.#stream.write(Buffer.concat([head, token, text]));
  }

  /** Writes what there is, and nothing more until {@link release}. */
  hold(): void {
    this.#flush();
    this.#held = true;
  }

  /** Goes on, from here on over another stream if one is given. */
  release(stream?: Writable): void {
    if (stream !== undefined) this.#use(stream);
    this.#held = false;
    this.#flush();
  }

  /** Writes what there is and ends the stream. */
  end(): void {
    this.#flush();
    this.stop();
    this.#stream.end();
  }

  #use(stream: Writable): void {
    this.#stream = stream;
    stream.on('drain', () => this.#wake());
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#sent = [];
    this.#waiting.clear();
  }

  /**
   * Lays out a frame whose payload, `size` bytes at the offset that is returned, the caller writes at once. May put
   * another block in the place of `#block`, which therefore is to be read afterwards.
   */
  #frame(type: number, id: number, size: number): number {
    return this.#header(type, id, size, HEADER_BYTES + size);
  }

  #header(type: number, id: number, size: number, room: number): number {
    if (this.#block.length - this.#end < room) {
      this.#queueBlock();
      // Not from the pool, whose slabs others keep alive.
      this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, room));
      this.#start = 0;
      this.#end = 0;
    }
    const at = this.#end;
    this.#block.writeUInt32LE(COUNTED_HEADER_BYTES + size, at);
    this.#block.writeUInt8(type, at + 4);
    this.#block.writeUInt32LE(id, at + 5);
    this.#end += room;
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => this.#flush());
    }
    return at + HEADER_BYTES;
  }

  #queueBlock(): void {
    if (this.#end === this.#start) return;
    this.#queue.push(this.#block.subarray(this.#start, this.#end));
    this.#queuedBytes += this.#end - this.#start;
    this.#start = this.#end;
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#held) return;
    this.#queueBlock();
    const queue = this.#queue;
    const sent = this.#sent;
    this.#queuedBytes = 0;
    if (queue.length === 0) return;
    this.#queue = [];
    this.#sent = [];
    if (this.#stopped || !this.#stream.writable) return;
    const last = queue.length - 1;
    if (last > 0) this.#stream.cork();
    for (const [index, buffer] of queue.entries()) {
      if (index === last && sent.length > 0) this.#stream.write(buffer, () => callEach(sent));
      else this.#stream.write(buffer);
    }
    if (last > 0) this.#stream.uncork();
  }

  /** One frame each, so that nobody waits for somebody who has much. */
  #wake(): void {
    for (const sender of [...this.#waiting]) {
      if (!this.hasRoom) return;
      this.#waiting.delete(sender);
      sender.send();
    }
  }
}

function callEach(callbacks: readonly (() => void)[]): void {
  for (const callback of callbacks) callback();
}
