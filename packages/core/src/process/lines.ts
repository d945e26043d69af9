import { CompanionError } from '../errors.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** A line beyond this is a mistake, not a line. */
const MAX_LINE_BYTES = 100_000_000;
/** Longer lines are cut into pieces where nobody could be told that they are too long. */
const MAX_PIECE_BYTES = 1024 * 1024;

/** Cuts bytes into lines. A character split across chunks survives, because lines are cut before decoding. */
export class LineSplitter {
  readonly #cuts: boolean;
  #rest: Buffer[] = [];
  #restBytes = 0;

  private constructor(cuts: boolean) {
    this.#cuts = cuts;
  }

  /** Throws `COMPANION_OUTPUT_TOO_LARGE` for a line of more than 100 MB. */
  static strict(): LineSplitter {
    return new LineSplitter(false);
  }

  /** Never throws: cuts a line of more than 1 MiB into several. */
  static cutting(): LineSplitter {
    return new LineSplitter(true);
  }

  /** The lines that `chunk` completes, without their line breaks (LF or CRLF). */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end === -1) break;
      yield this.#complete(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) return;
    this.#rest.push(chunk.subarray(start));
    this.#restBytes += chunk.length - start;
    if (this.#cuts && this.#restBytes > MAX_PIECE_BYTES) yield this.#complete(Buffer.alloc(0));
    if (this.#restBytes > MAX_LINE_BYTES) {
      throw new CompanionError('COMPANION_OUTPUT_TOO_LARGE', `a line is longer than ${MAX_LINE_BYTES} bytes`);
    }
  }

  /** A last line without a line break. */
  *end(): Generator<string> {
    if (this.#restBytes > 0) yield this.#complete(Buffer.alloc(0));
  }

  #complete(last: Buffer): string {
    let line = last;
    if (this.#restBytes > 0) {
      line = Buffer.concat([...this.#rest, last]);
      this.#rest = [];
      this.#restBytes = 0;
    }
    const end = line.length > 0 && line[line.length - 1] === CARRIAGE_RETURN ? line.length - 1 : line.length;
    return line.toString('utf8', 0, end);
  }
}

/** Lines of a byte stream, as they come; the reader's pace is the stream's. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const splitter = LineSplitter.strict();
  for await (const chunk of stream) yield* splitter.push(chunk);
  yield* splitter.end();
}
