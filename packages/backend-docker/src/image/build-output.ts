import { stripVTControlCharacters } from 'node:util';
import type { LayerState } from './layer-progress.js';

const MAX_LINE_LENGTH = 500;
const LAST_LINES = 10;

/** What a build prints, in lines: reported one by one, and the last ones kept for its failure. */
export class BuildOutput {
  readonly #report: (state: LayerState) => void;
  readonly #secrets: readonly string[];
  readonly #last: string[] = [];
  #rest = '';
  #step = 'build';

  /** `args`: values that must not be shown. One or two characters hide nothing, and would make a text unreadable. */
  constructor(report: (state: LayerState) => void, args: Readonly<Record<string, string>>) {
    this.#report = report;
    this.#secrets = Object.values(args)
      .filter((value) => value.length > 2)
      // The longest first: one may be part of another.
      .sort((one, other) => other.length - one.length);
  }

  get lastLines(): readonly string[] {
    return this.#last;
  }

  /** The values of build arguments among these. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  /** `step`: whose output it is, where the engine says so; else the text itself does. */
  add(text: string, step?: string): void {
    if (step !== undefined && step !== this.#step) {
      this.end();
      this.#step = step;
    }
    // A progress bar redraws its line with carriage returns.
    const lines = (this.#rest + text).split(/\r*\n|\r(?!\n|$)/);
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE_LENGTH * 20);
    for (const line of lines) this.#addLine(line);
  }

  end(): void {
    this.#addLine(this.#rest);
    this.#rest = '';
  }

  #addLine(raw: string): void {
    let line = stripVTControlCharacters(raw).trimEnd();
    for (const secret of this.#secrets) line = line.replaceAll(secret, '***');
    if (line.trim() === '') return;
    if (line.length > MAX_LINE_LENGTH) line = `${line.slice(0, MAX_LINE_LENGTH - 1)}…`;
    const step = /^step (\d+(?:\/\d+)?) ?:/i.exec(line)?.[1];
    if (step !== undefined) this.#step = `step ${step}`;
    this.#last.push(line);
    if (this.#last.length > LAST_LINES) this.#last.shift();
    this.#report({ layer: this.#step, status: line });
  }
}
