import { CommandLineError } from './command-line-error.js';
import type { OutputSink } from './standard-streams.js';

/** A failure as it is told: `--json` prints it as `{ "error": … }`. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** One line of companion's own, on stderr. */
export function say(stderr: OutputSink, message: string): void {
  // While a command has the terminal, a line break alone does not lead back to the left.
  stderr.write(`companion: ${message}${stderr.isTTY === true ? '\r\n' : '\n'}`);
}

/** One document, on stdout. */
export function printJson(stdout: OutputSink, document: unknown): void {
  stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** A sentence, and below it the way out. */
export function sayFailure(stderr: OutputSink, { message, hint }: Failure): void {
  say(stderr, message);
  if (hint !== undefined) stderr.write(`  ${hint}\n`);
}

/** Where core speaks to who programs against it, and here somebody types. */
const HINTS: Readonly<Record<string, string>> = {
  COMPANION_WORK_DIR_NOT_FOUND:
    '--cwd is a path inside; relative ones are taken from where --source is visible.',
};

/** What any thrown value says. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommandLineError) return error;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
    if (error.code.startsWith('COMPANION_')) {
      return { code: error.code, message: error.message, hint: HINTS[error.code] ?? hint };
    }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code: 'COMPANION_UNEXPECTED',
    message: `an unexpected failure: ${text}`,
    hint: 'This is a defect of companion or of a backend; please report it with the lines above.',
  };
}

/** `0.4 ms`, `12 ms`, `3.2 s`. */
export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
