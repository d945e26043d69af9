import type { BuildOutput } from './build-output.js';

/** Names by which the fields of a message are read: `moby.buildkit.v1.StatusResponse` and what is in it. */
const STATUS = { vertexes: 1, logs: 3 };
const VERTEX = { digest: 1, name: 3, started: 5 };
const LOG = { vertex: 1, text: 4 };

/**
 * Reads BuildKit's `moby.buildkit.trace` messages: protocol buffers in base64. Gives each step's name and its output to
 * `output`; the rest (timings, layers) is left alone.
 */
export class BuildKitTrace {
  readonly #output: BuildOutput;
  readonly #names = new Map<string, string>();
  readonly #started = new Set<string>();

  constructor(output: BuildOutput) {
    this.#output = output;
  }

  add(base64: string): void {
    for (const { number, bytes } of fieldsOf(Buffer.from(base64, 'base64'))) {
      if (number === STATUS.vertexes) this.#addVertex(bytes);
      else if (number === STATUS.logs) this.#addLog(bytes);
    }
  }

  #addVertex(message: Buffer): void {
    const fields = new Map([...fieldsOf(message)].map(({ number, bytes }) => [number, bytes]));
    const digest = String(fields.get(VERTEX.digest) ?? '');
    const name = String(fields.get(VERTEX.name) ?? '');
    this.#names.set(digest, name);
    // Told at its start, once: a vertex comes again with every change.
    if (!fields.has(VERTEX.started) || this.#started.has(digest) || name.startsWith('[internal]')) return;
    this.#started.add(digest);
    this.#output.add(`${name}\n`, stepOf(name));
  }

  #addLog(message: Buffer): void {
    const fields = new Map([...fieldsOf(message)].map(({ number, bytes }) => [number, bytes]));
    const name = this.#names.get(String(fields.get(LOG.vertex) ?? '')) ?? '';
    this.#output.add(String(fields.get(LOG.text) ?? ''), stepOf(name));
  }
}

/** `[stage-0 2/3] RUN make` is step `stage-0 2/3`. */
function stepOf(name: string): string {
  return /^\[([^\]]+)\]/.exec(name)?.[1] ?? 'build';
}

/** The fields of a message that have a length; numbers are passed over. Ends where the message is not one. */
function* fieldsOf(message: Buffer): Generator<{ readonly number: number; readonly bytes: Buffer }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 2) {
      const length = varint();
      yield { number: Math.floor(key / 8), bytes: message.subarray(at, at + length) };
      at += length;
    } else if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else return;
  }
}
