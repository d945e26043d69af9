import { pipeline, Readable } from 'node:stream';
import { onAbort } from '../abort.js';
import {
  parseBoolean,
  parseKeys,
  parseMilliseconds,
  parseOptional,
  parsePositiveInteger,
  parseSignal,
  parseTimeout,
} from '../argument-checks.js';
import type { ProcessExit } from '../backend.js';
import { CommandFailedError, CompanionError, invalidArgument } from '../errors.js';
import type { RunOptions } from '../options.js';
import { Collector } from './collect.js';
import { describeStatus, lastLines } from './describe.js';
import type { InputStream } from './input-stream.js';
import type { OutputStream } from './output-stream.js';
import type { EndReason, RunResult } from './run-result.js';
import { DEFAULT_KILL_GRACE_MS } from './terminate.js';

const DEFAULT_MAX_OUTPUT_BYTES = 100_000_000;

/** A process as `run()` drives it. */
export interface Runnable {
  readonly description: string;
  stdin(): InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly verdict: Promise<ProcessExit>;
  /** Rejects with the reason of `abort`, as it is, when that aborts. */
  start(abort: AbortController, stdin: boolean): Promise<void>;
  end(reason: EndReason, graceMs: number): Promise<void>;
  finishOutput(): Promise<void>;
  reason(): EndReason | undefined;
  durationMs(): number;
}

type Options = Omit<RunOptions, 'cwd' | 'env' | 'tty' | 'user'> & { readonly encoding?: 'utf8' | 'buffer' };

/** What belongs to the command itself is said by a process's builder methods, or to `runner.run()`. */
export const PROCESS_RUN_OPTION_NAMES: readonly (keyof Options)[] = [
  'input',
  'signal',
  'timeoutMs',
  'killGraceMs',
  'maxOutputBytes',
  'onLine',
  'reject',
  'encoding',
];

/** What stopped a run before its own end. */
interface Interruption {
  readonly reason: EndReason | 'too-large' | 'failed';
  readonly cause?: unknown;
}

/** Starts the process, feeds it, collects what it says, and turns its end into a result or an error. */
export async function runToEnd(target: Runnable, options: Options): Promise<RunResult<string | Buffer>> {
  const { signal, input, timeoutMs, killGraceMs } = checkedRunOptions(options);
  const watch = new RunWatch(target, killGraceMs);
  const collector = new Collector(target.stdout, target.stderr, {
    maxBytes: options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    onLine: options.onLine,
    onTooLarge: () => watch.interrupt({ reason: 'too-large' }),
    onFailure: (cause) => watch.interrupt({ reason: 'failed', cause }),
  });
  const forget = onAbort(signal, () => watch.interrupt({ reason: 'aborted', cause: signal?.reason }));
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => watch.timeOut(timeoutMs), timeoutMs);
  let source: Readable | undefined;
  try {
    await target.start(watch.starting, input !== undefined);
    watch.hasStarted = true;
    if (input !== undefined) {
      source = feed(input, target.stdin(), (cause) => watch.interrupt({ reason: 'failed', cause }));
    }
    const exit = await watch.verdict();
    // An endless source would be read for ever: nobody is left to refuse it.
    source?.destroy();
    await target.finishOutput();
    await collector.done;
    await watch.ended();
    const result = resultOf(target, exit, collector, options.encoding ?? 'utf8');
    assertGood(target, result, watch.interruption, collector, options);
    return result;
  } finally {
    clearTimeout(timer);
    forget();
    source?.destroy();
  }
}

/** What happens to a run from outside: abort, time, failures. */
class RunWatch {
  /** Aborts the start; its reason is the error. */
  readonly starting = new AbortController();
  hasStarted = false;
  interruption: Interruption | undefined;
  readonly #target: Runnable;
  readonly #killGraceMs: number;
  readonly #failed: Promise<never>;
  #fail: (error: unknown) => void = () => {};
  #ending: Promise<void> | undefined;
  #hasVerdict = false;

  constructor(target: Runnable, killGraceMs: number) {
    this.#target = target;
    this.#killGraceMs = killGraceMs;
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {});
  }

  interrupt(interruption: Interruption): void {
    if (this.interruption !== undefined) return;
    this.interruption = interruption;
    const { reason, cause } = interruption;
    const what = this.#target.description;
    if (!this.hasStarted) {
      this.starting.abort(new CompanionError('COMPANION_ABORTED', `starting ${what} was aborted`, { cause }));
    }
    this.#ending = this.#target.end(
      reason === 'too-large' || reason === 'failed' ? 'stopped' : reason,
      this.#killGraceMs,
    );
    // A process that cannot be ended has no verdict to wait for.
    this.#ending.catch(this.#fail);
  }

  /** Before the start it is an error of its own, after the verdict it cuts the output, between the two it ends the process. */
  timeOut(timeoutMs: number): void {
    if (this.#hasVerdict) {
      for (const stream of [this.#target.stdout, this.#target.stderr]) stream.finish();
      return;
    }
    const message = `${this.#target.description} did not start within ${timeoutMs} ms`;
    if (!this.hasStarted) this.starting.abort(new CompanionError('COMPANION_TIMED_OUT', message));
    this.interrupt({ reason: 'timed-out' });
  }

  async verdict(): Promise<ProcessExit> {
    const exit = await Promise.race([this.#target.verdict, this.#failed]);
    this.#hasVerdict = true;
    return exit;
  }

  async ended(): Promise<void> {
    await this.#ending;
  }
}

function resultOf(
  target: Runnable,
  exit: ProcessExit,
  collector: Collector,
  encoding: 'utf8' | 'buffer',
): RunResult<string | Buffer> {
  return {
    code: exit.code,
    signal: exit.signal,
    reason: target.reason() ?? (exit.signal === null ? 'exited' : 'signaled'),
    stdout: collector.output('stdout', encoding),
    stderr: collector.output('stderr', encoding),
    durationMs: target.durationMs(),
  };
}

/** @throws CommandFailedError for what `reject` covers, and always for what is no verdict. */
function assertGood(
  target: Runnable,
  result: RunResult<string | Buffer>,
  interruption: Interruption | undefined,
  collector: Collector,
  options: Options,
): void {
  const what = target.description;
  const output = (): string => lastLines(target.stderr.tail, target.stdout.tail);
  if (interruption?.reason === 'failed') throw interruption.cause;
  if (interruption?.reason === 'too-large') {
    throw new CommandFailedError(
      'COMPANION_OUTPUT_TOO_LARGE',
      `${what} wrote more than ${collector.maxBytes} bytes and was stopped`,
      result,
      { hint: 'Raise maxOutputBytes, or use spawn() and read the streams.' },
    );
  }
  if (result.reason === 'aborted') {
    throw new CommandFailedError('COMPANION_ABORTED', `${what} was aborted`, result, {
      cause: interruption?.cause,
    });
  }
  if (options.reject === false || (result.code === 0 && result.reason === 'exited')) return;
  if (result.reason === 'timed-out') {
    throw new CommandFailedError(
      'COMPANION_TIMED_OUT',
      `${what} did not end within ${options.timeoutMs} ms and was stopped${output()}`,
      result,
    );
  }
  const ended = describeStatus(
    result.signal === null
      ? { code: result.code ?? Number.NaN, signal: null }
      : { code: null, signal: result.signal },
  );
  const why = { stopped: ' after it was stopped', 'out-of-memory': ' because memory ran out' }[
    result.reason as string
  ];
  throw new CommandFailedError('COMPANION_COMMAND_FAILED', `${what} ${ended}${why ?? ''}${output()}`, result);
}

/** The source that is being read, where it is one. */
function feed(
  input: NonNullable<RunOptions['input']>,
  stdin: InputStream,
  onFailure: (cause: unknown) => void,
): Readable | undefined {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    stdin.end(input);
    return undefined;
  }
  // A stream is taken as it is: a wrapper around it could not end it while it waits for more.
  const source = input instanceof Readable ? input : Readable.from(input, { objectMode: false });
  // The sink never fails: what goes wrong is the caller's source.
  pipeline(source, stdin, (error) => {
    if (error && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') onFailure(error);
  });
  return source;
}

interface CheckedRunOptions {
  readonly signal: AbortSignal | undefined;
  readonly input: RunOptions['input'];
  readonly timeoutMs: number | undefined;
  readonly killGraceMs: number;
}

function checkedRunOptions(options: Options): CheckedRunOptions {
  parseKeys('run options', options, PROCESS_RUN_OPTION_NAMES);
  parseOptional('maxOutputBytes', options.maxOutputBytes, parsePositiveInteger);
  parseOptional('reject', options.reject, parseBoolean);
  const { encoding, onLine, input } = options;
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'buffer') {
    throw invalidArgument('encoding', "'utf8' or 'buffer'", encoding);
  }
  if (onLine !== undefined && typeof onLine !== 'function')
    throw invalidArgument('onLine', 'a function', onLine);
  const isBytes = input === undefined || typeof input === 'string' || input instanceof Uint8Array;
  if (!isBytes && (typeof input !== 'object' || input === null || !(Symbol.asyncIterator in input))) {
    throw new TypeError('input: expected a string, bytes or a stream of them');
  }
  return {
    signal: parseOptional('signal', options.signal, parseSignal),
    input,
    timeoutMs: parseOptional('timeoutMs', options.timeoutMs, parseTimeout),
    killGraceMs:
      parseOptional('killGraceMs', options.killGraceMs, parseMilliseconds) ?? DEFAULT_KILL_GRACE_MS,
  };
}
