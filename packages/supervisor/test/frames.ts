/** The protocol from the supervisor's side, written from docs/supervisor-protocol.md and not from the client. */

export function frame(type: number, id: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const header = Buffer.alloc(9);
  header.writeUInt32LE(5 + payload.length, 0);
  header.writeUInt8(type, 4);
  header.writeUInt32LE(id, 5);
  return Buffer.concat([header, payload]);
}

export function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}

export const say = {
  hello: (pid = 1, abilities = 3, version = 1) =>
    frame(
      129,
      0,
      Buffer.concat([Buffer.from('cmpnsup\n'), Buffer.from([version, 0, 0, 0]), numbers(pid, abilities)]),
    ),
  started: (id: number, pid: number) => frame(130, id, numbers(pid)),
  failed: (id: number, phase: number, detail: number, errno: number) =>
    frame(131, id, Buffer.concat([Buffer.from([phase, detail, 0, 0]), numbers(errno)])),
  output: (id: number, stream: number, bytes: Uint8Array | string) =>
    frame(132, id, Buffer.concat([Buffer.from([stream]), Buffer.from(bytes)])),
  outputEnd: (id: number, stream: number) => frame(133, id, Buffer.from([stream])),
  exit: (id: number, how: number, number: number, flags = 0) =>
    frame(134, id, Buffer.concat([Buffer.from([how, number, flags, 0]), numbers(1, 0, 2, 0, 3, 0)])),
  credit: (id: number, bytes: number) => frame(135, id, numbers(bytes)),
  reply: (request: number, errno: number, answer: Uint8Array = new Uint8Array()) =>
    frame(136, 0, Buffer.concat([numbers(request, errno), answer])),
  gone: (id: number, errno?: number) => frame(137, id, errno === undefined ? undefined : numbers(errno)),
  error: (sentence: string) => frame(138, 0, Buffer.from(sentence)),
};

export interface ClientFrame {
  readonly type: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** The complete frames at the beginning of the bytes, and what follows them. */
export function parseFrames(bytes: Buffer): { frames: ClientFrame[]; rest: Buffer } {
  const frames: ClientFrame[] = [];
  let offset = 0;
  while (bytes.length - offset >= 9) {
    const end = offset + 4 + bytes.readUInt32LE(offset);
    if (end > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(offset + 4),
      id: bytes.readUInt32LE(offset + 5),
      payload: bytes.subarray(offset + 9, end),
    });
    offset = end;
  }
  return { frames, rest: bytes.subarray(offset) };
}
