import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate } from 'node:timers/promises';
import type { HostProcesses } from '@companion/backend-local/spawn';
import { CompanionError } from '@companion/core';
import type { Command, ProcessExit } from '@companion/core/backend';
import { Redaction } from '../nix/redact.js';

const SHOWN_LINES = 10;
const LONGEST_LINE = 64 * 1024;
const LONGEST_SHOWN_LINE = 500;
/** As long as that takes, something that the hook has left running goes on writing. */
const MOST_READS = 64;
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
const WITHOUT_HOOK = '`backendOptions.nix.shellHook: false` enters the shell without it.';

interface HookOptions {
  readonly processes: HostProcesses;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  onOutput?(line: string): void;
}

/**
 * Runs a `shellHook` to its own end, whatever it leaves running, and then reads what it has `left`. Rejects, and has
 * ended what the hook has started, when that is nothing.
 */
export async function runHook<Result>(
  command: Command,
  { processes, timeoutMs, signal, onOutput }: HookOptions,
  left: () => Result | undefined,
): Promise<Result> {
  const hook = await processes.spawn(command, { signal });
  const output = new HookOutput([hook.stdout, hook.stderr], new Redaction(command.env), onOutput);
  let giveUp: (reason: unknown) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  const abort = () => giveUp(signal?.reason);
  const timeout = setTimeout(
    () => giveUp(failed(`the shellHook did not end within ${timeoutMs} ms`, output.lines)),
    Math.min(timeoutMs, LONGEST_TIMEOUT_MS),
  );
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  try {
    const exit = await Promise.race([hook.exited, givenUp]);
    await output.drain();
    const result = exit.code === 0 ? left() : undefined;
    if (result === undefined)
      throw failed(`the shellHook ended the shell: it ${verdict(exit)}`, output.lines);
    return result;
  } catch (error) {
    await hook.kill('SIGKILL', 'tree');
    throw error;
  } finally {
    clearTimeout(timeout);
    signal?.removeEventListener('abort', abort);
  }
}

/** What a hook prints, line by line, for as long as anybody writes. */
class HookOutput {
  /** The last ones. */
  readonly lines: string[] = [];
  readonly #streams: readonly Readable[];
  readonly #redaction: Redaction;
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #flush: (() => void)[] = [];
  #reads = 0;

  constructor(
    streams: readonly Readable[],
    redaction: Redaction,
    onLine: ((line: string) => void) | undefined,
  ) {
    this.#streams = streams;
    this.#redaction = redaction;
    this.#onLine = onLine;
    for (const stream of streams) this.#read(stream);
  }

  /**
   * Takes what was written before: that is in the pipes, and the next turn of the event loop reads it. Not to the end
   * of the streams: what the hook has left running may hold them for as long as it lives. It is still read then, so
   * that it does not block, but keeps nobody from leaving.
   */
  async drain(): Promise<void> {
    for (let turn = 0, before = -1; turn < MOST_READS && before !== this.#reads; turn++) {
      before = this.#reads;
      await setImmediate();
      await setImmediate();
    }
    for (const flush of this.#flush) flush();
    for (const stream of this.#streams)
      if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
  }

  #read(stream: Readable): void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    const flush = () => {
      if (rest !== '') this.#line(rest);
      rest = '';
    };
    this.#flush.push(flush);
    stream.on('data', (chunk: Buffer) => {
      this.#reads++;
      const [first = '', ...others] = decoder.write(chunk).split('\n');
      rest += first;
      for (const next of others) {
        this.#line(rest);
        rest = next;
      }
      if (rest.length > LONGEST_LINE) flush();
    });
    stream.once('end', flush);
    // The hook's own end is what counts.
    stream.on('error', () => {});
  }

  #line(text: string): void {
    const line = this.#redaction.apply(text.endsWith('\r') ? text.slice(0, -1) : text);
    this.lines.push(cut(line));
    if (this.lines.length > SHOWN_LINES) this.lines.shift();
    this.#onLine?.(line);
  }
}

function cut(line: string): string {
  return line.length > LONGEST_SHOWN_LINE ? `${line.slice(0, LONGEST_SHOWN_LINE - 1)}…` : line;
}

function failed(what: string, lines: readonly string[]): CompanionError {
  const last = lines.length === 0 ? '' : ['; its last lines:', ...lines].join('\n  ');
  return new CompanionError('COMPANION_START_FAILED', what + last, { hint: WITHOUT_HOOK });
}

function verdict({ code, signal }: ProcessExit): string {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}
