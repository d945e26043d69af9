import {
  COUNTED_HEADER_BYTES,
  HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  ProtocolError,
  SupervisorFrame,
} from './protocol.js';

/** What the kernel has counted of a process and of those that it waited for. */
export interface ResourceUsage {
  readonly userMicroseconds: number;
  readonly systemMicroseconds: number;
  readonly maxResidentBytes: number;
}

export interface ExitReport {
  /** 0 a code, 1 a signal, 2 nobody knows. */
  readonly how: number;
  /** The code or the signal. */
  readonly number: number;
  readonly outOfMemory: boolean;
  readonly usage: ResourceUsage;
}

/** Gets what the supervisor says, in its order. A {@link ProtocolError} that a member throws ends the session. */
export interface FrameHandler {
  onStarted(id: number, pid: number): void;
  onFailed(id: number, phase: number, detail: number, errno: number): void;
  /** A frame's bytes may come in several pieces: whatever has arrived, uncopied. */
  onOutput(id: number, stream: number, piece: Buffer): void;
  onOutputEnd(id: number, stream: number): void;
  onExit(id: number, report: ExitReport): void;
  onCredit(id: number, bytes: number): void;
  onReply(request: number, errno: number, answer: Buffer): void;
  /** `errno` is 0 but for a connection that was reset. */
  onGone(id: number, errno: number): void;
  onError(sentence: string): void;
}

/** Least and greatest size of each payload. */
const SIZES: Readonly<Record<number, readonly [least: number, greatest: number]>> = {
  [SupervisorFrame.STARTED]: [4, 4],
  [SupervisorFrame.FAILED]: [8, 8],
  [SupervisorFrame.OUTPUT]: [1, MAX_PAYLOAD_BYTES],
  [SupervisorFrame.OUTPUT_EOF]: [1, 1],
  [SupervisorFrame.EXIT]: [28, 28],
  [SupervisorFrame.CREDIT]: [4, 4],
  [SupervisorFrame.REPLY]: [8, MAX_PAYLOAD_BYTES],
  [SupervisorFrame.GONE]: [0, 4],
  [SupervisorFrame.ERROR]: [0, MAX_PAYLOAD_BYTES],
};

/**
 * Takes the supervisor's bytes after its `HELLO`, cut anywhere, and hands over what they say. Holds at most one frame,
 * and of output nothing.
 */
export class FrameDecoder {
  readonly #handler: FrameHandler;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  /** Bytes of the header that have come; all of them while a payload is being read. */
  #headerBytes = 0;
  #type = 0;
  #id = 0;
  /** Bytes of the payload that have not come yet. */
  #missing = 0;
  /** Of an `OUTPUT` whose first byte has come; 0 before. */
  #stream = 0;
  /** A payload that is cut; its end is filled as it comes. */
  #partial: Buffer | undefined;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** True where the next byte begins a frame. */
  get atBoundary(): boolean {
    return this.#headerBytes === 0;
  }

  /** Throws {@link ProtocolError}, after which nothing may be written any more. */
  write(chunk: Buffer): void {
    let offset = 0;
    for (;;) {
      if (this.#headerBytes < HEADER_BYTES) {
        offset = this.#takeHeader(chunk, offset);
        if (this.#headerBytes < HEADER_BYTES) return;
      }
      if (this.#missing > 0 && offset === chunk.length) return;
      offset =
        this.#type === SupervisorFrame.OUTPUT
          ? this.#takeOutput(chunk, offset)
          : this.#takePayload(chunk, offset);
    }
  }

  #takeHeader(chunk: Buffer, offset: number): number {
    let header = chunk;
    let start = offset;
    let end = offset + HEADER_BYTES;
    if (this.#headerBytes > 0 || end > chunk.length) {
      end = Math.min(chunk.length, offset + HEADER_BYTES - this.#headerBytes);
      this.#headerBytes += chunk.copy(this.#header, this.#headerBytes, offset, end);
      if (this.#headerBytes < HEADER_BYTES) return end;
      header = this.#header;
      start = 0;
    }
    this.#headerBytes = HEADER_BYTES;
    this.#type = header.readUInt8(start + 4);
    this.#id = header.readUInt32LE(start + 5);
    this.#missing = checkedSize(this.#type, header.readUInt32LE(start) - COUNTED_HEADER_BYTES);
    return end;
  }

  #takeOutput(chunk: Buffer, offset: number): number {
    let start = offset;
    if (this.#stream === 0) {
      this.#stream = checkedStream(chunk.readUInt8(start));
      this.#missing -= 1;
      start += 1;
    }
    const end = Math.min(chunk.length, start + this.#missing);
    this.#missing -= end - start;
    const stream = this.#stream;
    if (this.#missing === 0) this.#endFrame();
    if (end > start) this.#handler.onOutput(this.#id, stream, chunk.subarray(start, end));
    return end;
  }

  #takePayload(chunk: Buffer, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#missing);
    let payload = chunk.subarray(offset, end);
    if (this.#partial !== undefined || payload.length < this.#missing) {
      this.#partial ??= Buffer.allocUnsafe(this.#missing);
      payload.copy(this.#partial, this.#partial.length - this.#missing);
      payload = this.#partial;
    }
    this.#missing -= end - offset;
    if (this.#missing === 0) {
      this.#endFrame();
      this.#handOver(payload);
    }
    return end;
  }

  /** Before the handler is called, which may throw. */
  #endFrame(): void {
    this.#headerBytes = 0;
    this.#stream = 0;
    this.#partial = undefined;
  }

  #handOver(payload: Buffer): void {
    const handler = this.#handler;
    const id = this.#id;
    switch (this.#type) {
      case SupervisorFrame.STARTED:
        handler.onStarted(id, payload.readUInt32LE(0));
        break;
      case SupervisorFrame.FAILED:
        handler.onFailed(id, payload.readUInt8(0), payload.readUInt8(1), payload.readUInt32LE(4));
        break;
      case SupervisorFrame.OUTPUT_EOF:
        handler.onOutputEnd(id, checkedStream(payload.readUInt8(0)));
        break;
      case SupervisorFrame.EXIT:
        handler.onExit(id, exitReport(payload));
        break;
      case SupervisorFrame.CREDIT:
        handler.onCredit(id, payload.readUInt32LE(0));
        break;
      case SupervisorFrame.REPLY:
        handler.onReply(payload.readUInt32LE(0), payload.readUInt32LE(4), payload.subarray(8));
        break;
      case SupervisorFrame.GONE:
        if (payload.length % 4 !== 0) throw malformed(this.#type, payload.length);
        handler.onGone(id, payload.length === 0 ? 0 : payload.readUInt32LE(0));
        break;
      case SupervisorFrame.ERROR:
        handler.onError(payload.toString('utf8'));
        break;
    }
  }
}

function checkedSize(type: number, size: number): number {
  const sizes = SIZES[type];
  if (sizes === undefined)
    throw new ProtocolError(`the supervisor sent a frame of type ${type}, which does not exist`);
  if (size < sizes[0] || size > sizes[1]) throw malformed(type, size);
  return size;
}

function checkedStream(stream: number): number {
  if (stream === 1 || stream === 2) return stream;
  throw new ProtocolError(`the supervisor named an output ${stream}, which does not exist`);
}

function malformed(type: number, size: number): ProtocolError {
  return new ProtocolError(
    `the supervisor sent a frame of type ${type} with ${size} bytes, which it cannot have`,
  );
}

function exitReport(payload: Buffer): ExitReport {
  const how = payload.readUInt8(0);
  if (how > 2) throw new ProtocolError(`the supervisor told an end of kind ${how}, which does not exist`);
  return {
    how,
    number: payload.readUInt8(1),
    outOfMemory: (payload.readUInt8(2) & 1) !== 0,
    usage: {
      userMicroseconds: Number(payload.readBigUInt64LE(4)),
      systemMicroseconds: Number(payload.readBigUInt64LE(12)),
      maxResidentBytes: Number(payload.readBigUInt64LE(20)),
    },
  };
}
