import { CompanionProcess } from './process/companion-process.js';
import { LineSplitter } from './process/lines.js';

/** Kept for `logs()`; what is older is let go. */
const KEPT_LINES = 10_000;
const KEPT_CHARACTERS = 16 * 1024 * 1024;

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

export interface LogOptions {
  /** Goes on until the main process has closed its outputs. Default: false. */
  readonly follow?: boolean;
}

/** What a companion's main process has said, in the order in which it came. */
export class LogBook {
  readonly #lines: LogLine[] = [];
  /** How many lines have been let go. */
  #dropped = 0;
  #openStreams = 2;
  #characters = 0;
  readonly #followers = new Set<() => void>();

  constructor(main: CompanionProcess) {
    const { stdout, stderr } = CompanionProcess.watch(main);
    for (const [stream, output] of [
      ['stdout', stdout],
      ['stderr', stderr],
    ] as const) {
      const splitter = LineSplitter.cutting();
      output.tap({
        onChunk: (chunk) => this.#add(stream, splitter.push(chunk)),
        onEnd: () => {
          this.#openStreams -= 1;
          this.#add(stream, splitter.end());
        },
      });
    }
  }

  async *read({ follow = false }: LogOptions): AsyncGenerator<LogLine, void, undefined> {
    let next = this.#dropped;
    for (;;) {
      for (; next < this.#dropped + this.#lines.length; next += 1) {
        // A reader that fell behind goes on with the oldest line kept.
        next = Math.max(next, this.#dropped);
        const line = this.#lines[next - this.#dropped];
        if (line !== undefined) yield line;
      }
      if (!follow || this.#openStreams === 0) return;
      await new Promise<void>((resolve) => {
        this.#followers.add(resolve);
      });
    }
  }

  #add(stream: LogLine['stream'], lines: Iterable<string>): void {
    for (const line of lines) {
      this.#lines.push({ stream, line });
      this.#characters += line.length;
    }
    let excess = Math.max(0, this.#lines.length - KEPT_LINES);
    for (const { line } of this.#lines.slice(0, excess)) this.#characters -= line.length;
    for (; this.#characters > KEPT_CHARACTERS; excess += 1)
      this.#characters -= this.#lines[excess]?.line.length ?? 0;
    this.#lines.splice(0, excess);
    this.#dropped += excess;
    for (const wake of this.#followers) wake();
    this.#followers.clear();
  }
}
