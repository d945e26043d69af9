import { pipeline, Readable } from 'node:stream';
import {
  parseBoolean,
  parseKeys,
  parseMilliseconds,
  parseOptional,
  parsePositive,
  parsePositiveInteger,
  parseSignal,
} from '../argument-checks.js';
import type { ProcessExit } from '../backend.js';
import { invalidArgument } from '../errors.js';
import type { RunOptions } from '../options.js';
import { Collector } from './collect.js';
import {
  CommandFailedError,
  describeStatus,
  type EndReason,
  lastLines,
  type RunResult,
} from './command-failed.js';
import type { InputStream } from './input-stream.js';
import type { OutputStream } from './output-stream.js';
import { DEFAULT_KILL_GRACE_MS } from './terminate.js';

const DEFAULT_MAX_OUTPUT_BYTES = 100_000_000;

/** A process as `run()` drives it. */
export interface Runnable {
  readonly description: string;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly verdict: Promise<ProcessExit>;
  start(signal: AbortSignal | undefined, stdin: boolean): Promise<void>;
  end(reason: EndReason, graceMs: number): Promise<void>;
  finishOutput(): Promise<void>;
  reason(): EndReason | undefined;
  durationMs(): number;
}

type Options = RunOptions & { readonly encoding?: 'utf8' | 'buffer' };

/** What stopped a run before its own end. */
interface Interruption {
  readonly reason: EndReason | 'too-large' | 'failed';
  readonly cause?: unknown;
}

/** Starts the process, feeds it, collects what it says, and turns its end into a result or an error. */
export async function runToEnd(target: Runnable, options: Options): Promise<RunResult<string | Buffer>> {
  checkRunOptions(options);
  const { signal, input, timeoutMs } = options;
  const killGraceMs = options.killGraceMs ?? DEFAULT_KILL_GRACE_MS;
  let interruption: Interruption | undefined;
  let ending: Promise<void> | undefined;
  const interrupt = (cause: Interruption): void => {
    if (interruption !== undefined) return;
    interruption = cause;
    const reason = cause.reason === 'too-large' || cause.reason === 'failed' ? 'stopped' : cause.reason;
    // A failure to end it must not be lost: run() awaits it below.
    ending = target.end(reason, killGraceMs);
    ending.catch(() => {});
  };
  const collector = new Collector(target.stdout, target.stderr, {
    maxBytes: options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    onLine: options.onLine,
    onTooLarge: () => interrupt({ reason: 'too-large' }),
    onFailure: (cause) => interrupt({ reason: 'failed', cause }),
  });
  await target.start(signal, input !== undefined);
  const onAbort = (): void => interrupt({ reason: 'aborted', cause: signal?.reason });
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => interrupt({ reason: 'timed-out' }), timeoutMs);
  try {
    if (input !== undefined) feed(input, target.stdin, (cause) => interrupt({ reason: 'failed', cause }));
    const exit = await target.verdict;
    clearTimeout(timer);
    await target.finishOutput();
    await collector.done;
    await ending;
    const result = resultOf(target, exit, collector, options.encoding ?? 'utf8');
    assertGood(target, result, interruption, collector, options);
    return result;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function resultOf(
  target: Runnable,
  exit: ProcessExit,
  collector: Collector,
  encoding: 'utf8' | 'buffer',
): RunResult<string | Buffer> {
  const decode = (bytes: Buffer): string | Buffer => (encoding === 'buffer' ? bytes : bytes.toString('utf8'));
  return {
    code: exit.code,
    signal: exit.signal,
    reason: target.reason() ?? (exit.signal === null ? 'exited' : 'signaled'),
    stdout: decode(collector.stdout),
    stderr: decode(collector.stderr),
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
  const output = lastLines(target.stderr.tail, target.stdout.tail);
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
      `${what} did not end within ${options.timeoutMs} ms and was stopped${output}`,
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
  throw new CommandFailedError('COMPANION_COMMAND_FAILED', `${what} ${ended}${why ?? ''}${output}`, result);
}

function feed(
  input: NonNullable<RunOptions['input']>,
  stdin: InputStream,
  onFailure: (cause: unknown) => void,
): void {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    stdin.end(input);
    return;
  }
  // The sink never fails: what goes wrong is the caller's source.
  pipeline(Readable.from(input, { objectMode: false }), stdin, (error) => {
    if (error && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') onFailure(error);
  });
}

const OPTION_NAMES: { readonly [K in keyof Required<Options>]: true } = {
  cwd: true,
  env: true,
  tty: true,
  user: true,
  input: true,
  signal: true,
  timeoutMs: true,
  killGraceMs: true,
  maxOutputBytes: true,
  onLine: true,
  reject: true,
  encoding: true,
};

function checkRunOptions(options: Options): void {
  parseKeys('run options', options, Object.keys(OPTION_NAMES));
  parseOptional('signal', options.signal, parseSignal);
  parseOptional('timeoutMs', options.timeoutMs, parsePositive);
  parseOptional('killGraceMs', options.killGraceMs, parseMilliseconds);
  parseOptional('maxOutputBytes', options.maxOutputBytes, parsePositiveInteger);
  parseOptional('reject', options.reject, parseBoolean);
  const { encoding, onLine, input } = options;
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'buffer') {
    throw invalidArgument('encoding', "'utf8' or 'buffer'", encoding);
  }
  if (onLine !== undefined && typeof onLine !== 'function')
    throw invalidArgument('onLine', 'a function', onLine);
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) return;
  if (typeof input !== 'object' || input === null || !(Symbol.asyncIterator in input)) {
    throw new TypeError('input: expected a string, bytes or a stream of them');
  }
}
