import { ACTIVITY, LEVEL, type LogEntry, RESULT } from './internal-json.js';
import type { Redaction } from './redact.js';

const MOST_LINES = 20;
const MOST_BUILD_LINES = 10;
const LONGEST_LINE = 500;
/** Says nothing about what is wrong. */
const NOISE = /^\(use '--show-trace'|^\s*$|; retrying in [\d.]+ ms|^warning: Git tree .* is dirty/;

interface Build {
  readonly derivation: string;
  readonly lines: string[];
}

/** The last of Nix's errors and warnings, with what a failed build had printed before: words for a failure. */
export class Complaints {
  readonly #redaction: Redaction;
  readonly #builds = new Map<string, Build>();
  readonly #lines: string[] = [];

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  /** Without colours and secrets, the newest last. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  add(entry: LogEntry): void {
    if (entry.is === 'words') {
      if (entry.level <= LEVEL.warning) this.#addWords(entry.text);
    } else if (entry.is === 'start') {
      if (entry.type === ACTIVITY.build) {
        this.#builds.set(entry.id, { derivation: String(entry.fields[0]), lines: [] });
      }
    } else if (entry.is === 'stop') this.#builds.delete(entry.id);
    else if (entry.type === RESULT.buildLogLine) {
      const build = this.#builds.get(entry.id);
      if (build !== undefined) push(build.lines, this.#shown(String(entry.fields[0])), MOST_BUILD_LINES);
    }
  }

  #addWords(text: string): void {
    for (const line of text.split(/\r?\n/)) {
      const shown = this.#shown(line);
      if (!NOISE.test(shown)) push(this.#lines, shown, MOST_LINES);
    }
    // A log of this format has no build's output in the error, as the one for humans has.
    for (const { derivation, lines } of this.#builds.values()) {
      if (lines.length === 0 || !text.includes(derivation)) continue;
      push(this.#lines, '       its last lines:', MOST_LINES);
      for (const line of lines.splice(0)) push(this.#lines, `       > ${line}`, MOST_LINES);
    }
  }

  #shown(line: string): string {
    // Progress that is drawn over itself.
    return cut(this.#redaction.apply(line.trimEnd().replace(/^.*\r/, '')));
  }
}

function push(lines: string[], line: string, most: number): void {
  lines.push(line);
  if (lines.length > most) lines.shift();
}

function cut(line: string): string {
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 1)}…` : line;
}
