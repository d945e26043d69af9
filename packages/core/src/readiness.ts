import { onAbort } from './abort.js';
import { parseOneOf, parseOptional, parseTimeout } from './argument-checks.js';
import type { Ending } from './ending.js';
import { abortedError, CompanionError, invalidArgument } from './errors.js';
import type { Endpoint, PortTable } from './ports.js';
import { CompanionProcess } from './process/companion-process.js';
import { describeStatus, lastLines } from './process/describe.js';
import { LineSplitter } from './process/lines.js';

const DEFAULT_TIMEOUT_MS = 30_000;
const FIRST_RETRY_MS = 5;
const LAST_RETRY_MS = 100;

export interface WaitOptions {
  /** Default: 30,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WaitForPortOptions extends WaitOptions {
  /** The process that will listen: its end is the end of waiting. */
  readonly process?: CompanionProcess | undefined;
}

export interface WaitForLineOptions extends WaitOptions {
  /** Default: either. */
  readonly stream?: 'stdout' | 'stderr' | undefined;
}

/** The line that {@link waitForLine} waited for. */
export interface LineMatch {
  readonly line: string;
  readonly stream: 'stdout' | 'stderr';
  /** Of a pattern that is a regular expression. */
  readonly match: RegExpExecArray | undefined;
}

/** Resolves once something inside accepts connections on the port. */
export async function waitForPort(
  ports: PortTable,
  companionPort: number,
  ending: Ending,
  options: WaitForPortOptions,
): Promise<Endpoint> {
  const what = `port ${companionPort}`;
  const waiting = new Waiting(what, options, options.process, ending);
  try {
    let retryMs = FIRST_RETRY_MS;
    for (;;) {
      const accepted = await waiting.race(accepts(ports, companionPort));
      if (accepted) return await ports.forward(companionPort);
      // Neither an engine nor a kernel tells when somebody starts to listen.
      await waiting.race(new Promise((resolve) => setTimeout(resolve, retryMs)));
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  } finally {
    waiting.end();
  }
}

/** Resolves with the first line that matches, also one that has come already; takes nothing away from readers. */
export async function waitForLine(
  process: CompanionProcess,
  pattern: string | RegExp,
  ending: Ending,
  options: WaitForLineOptions,
): Promise<LineMatch> {
  parseOptional('stream', options.stream, (what, value) => parseOneOf(what, value, ['stdout', 'stderr']));
  if (typeof pattern !== 'string' && !(pattern instanceof RegExp)) {
    throw invalidArgument('pattern', 'a string or a regular expression', pattern);
  }
  const waiting = new Waiting(`a line matching ${pattern}`, options, process, ending);
  const outputs = CompanionProcess.watch(process);
  const untaps: (() => void)[] = [];
  const search = new Promise<LineMatch>((resolve) => {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (options.stream !== undefined && options.stream !== stream) continue;
      const splitter = LineSplitter.cutting();
      const look = (lines: Iterable<string>): void => {
        for (const line of lines) {
          const found = matchIn(line, pattern);
          if (found !== null) resolve({ line, stream, match: found });
        }
      };
      const tap = {
        onChunk: (chunk: Buffer) => look(splitter.push(chunk)),
        onEnd: () => look(splitter.end()),
      };
      untaps.push(outputs[stream].tap(tap));
    }
  });
  try {
    return await waiting.race(search);
  } finally {
    for (const untap of untaps) untap();
    waiting.end();
  }
}

/** `null` where the line does not match; `undefined` where there is nothing to say about how it does. */
function matchIn(line: string, pattern: string | RegExp): RegExpExecArray | undefined | null {
  if (typeof pattern === 'string') return line.includes(pattern) ? undefined : null;
  // Without the flags that make an expression remember where it was.
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(line);
}

/** What ends every kind of waiting: time, abort, the end of the watched process, the end of the environment. */
class Waiting {
  readonly #stopped: Promise<never>;
  #end: () => void = () => {};

  constructor(
    what: string,
    { timeoutMs, signal }: WaitOptions,
    process: CompanionProcess | undefined,
    ending: Ending,
  ) {
    if (process !== undefined && !(process instanceof CompanionProcess)) {
      throw invalidArgument('process', 'a CompanionProcess', process);
    }
    const limitMs = parseOptional('timeoutMs', timeoutMs, parseTimeout) ?? DEFAULT_TIMEOUT_MS;
    this.#stopped = new Promise((_, reject) => {
      const timer = setTimeout(() => reject(notReady(what, `within ${limitMs} ms`, process)), limitMs);
      const forgetSignal = onAbort(signal, () => reject(abortedError(`waiting for ${what}`, signal)));
      const forget = ending.onEnd(reject);
      this.#end = () => {
        clearTimeout(timer);
        forgetSignal();
        forget();
      };
      if (process === undefined) return;
      const { ended, description } = CompanionProcess.watch(process);
      // Its last lines are still on their way when its end is known.
      const afterOutput = (reason: () => Error): void => {
        setImmediate(() => setImmediate(() => reject(reason())));
      };
      ended.then(
        (status) =>
          afterOutput(() => notReady(what, `before ${description} ${describeStatus(status)}`, process)),
        (error: unknown) =>
          afterOutput(() => notReady(what, `before ${description} was gone`, process, error)),
      );
    });
    this.#stopped.catch(() => {});
  }

  race<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#stopped]);
  }

  end(): void {
    this.#end();
  }
}

function notReady(
  what: string,
  when: string,
  process: CompanionProcess | undefined,
  cause?: unknown,
): CompanionError {
  let output = '';
  if (process !== undefined) {
    const { stderr, stdout } = CompanionProcess.watch(process);
    output = lastLines(stderr.tail, stdout.tail);
  }
  return new CompanionError('COMPANION_NOT_READY', `${what} was not ready ${when}${output}`, { cause });
}

async function accepts(ports: PortTable, companionPort: number): Promise<boolean> {
  try {
    const connection = await ports.connect(companionPort);
    connection.on('error', () => {});
    connection.destroy();
    return true;
  } catch (error) {
    if (CompanionError.is(error)) throw error;
    return false;
  }
}
