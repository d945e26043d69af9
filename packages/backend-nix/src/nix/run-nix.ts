import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { HostProcesses } from '@companion/backend-local/spawn';
import type { BackendProcess, ProcessExit } from '@companion/core/backend';
import { Complaints } from './complaints.js';
import type { NixProgram } from './find-nix.js';
import { parseLogLine } from './internal-json.js';
import { type NixFailure, nixError } from './nix-error.js';
import { EVALUATING, Progress } from './progress.js';
import { Redaction } from './redact.js';
import { inTemporaryDirectory } from './temporary-directory.js';

/** Of a shell with all of nixpkgs' hooks it is half a megabyte. */
const MOST_OUTPUT_BYTES = 64 * 2 ** 20;
const LONGEST_LOG_LINE = 2 ** 20;
/** Sentences that change faster nobody reads. */
const PROGRESS_INTERVAL_MS = 250;
/** Nix then lets go of its locks and its builders' directories. */
const GRACE_MS = 1000;
/** How long output may be held by somebody else after Nix has ended. */
const DRAIN_MS = 1000;
/** A timer of more would end at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** One command of Nix. */
export interface NixCall {
  readonly program: NixProgram;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What Nix is doing, whenever that has been something else for a moment. It begins with evaluating. */
  onProgress?(sentence: string): void;
}

/**
 * Resolves with standard output. Rejects with `COMPANION_START_FAILED`, which has Nix's own last lines and a hint, or
 * with the signal's reason; nothing that Nix had started is left then, and in no case its temporary files.
 */
export async function runNix(processes: HostProcesses, call: NixCall): Promise<string> {
  call.signal?.throwIfAborted();
  return await inTemporaryDirectory(call.env, (directory) => runIn(directory, processes, call));
}

async function runIn(directory: string, processes: HostProcesses, call: NixCall): Promise<string> {
  const { program, env, cwd, signal, timeoutMs } = call;
  const redaction = new Redaction(env);
  const complaints = new Complaints(redaction);
  const progress = new Progress();
  const args = ['--log-format', 'internal-json', ...call.args];
  const command = {
    file: program.path,
    args,
    env: { ...env, TMPDIR: directory },
    cwd,
    stdin: 'ignore',
  } as const;
  const child = await processes.spawn(command, { signal });
  const doing = (): string => redaction.apply(progress.sentence);
  const reporting = reportChanges(doing, call);
  readLines(child.stderr, (line) => {
    const entry = parseLogLine(line);
    if (entry === undefined) return;
    progress.add(entry);
    complaints.add(entry);
  });
  const output = new Output(child.stdout);
  const interruption = new Interruption(call);
  output.onTooMuch = () => interruption.happen('too-much');
  const failed = (failure: NixFailure): Error => nixError(failure, complaints.lines, cwd);
  try {
    const end = await Promise.race([ended(child), interruption.first]);
    if (typeof end === 'string') {
      // Before the end, which makes Nix stop what it was doing and complain about it.
      const error =
        end === 'too-much'
          ? failed({ is: 'too-much', bytes: MOST_OUTPUT_BYTES })
          : failed({ is: 'timed-out', timeoutMs, doing: doing() });
      await endTree(child);
      throw end === 'aborted' ? signal?.reason : error;
    }
    if (end.code === 0) return output.text;
    throw failed(end.code === null ? { is: 'killed', signal: end.signal } : { is: 'exited' });
  } finally {
    clearInterval(reporting);
    interruption.forget();
  }
}

/** Resolves once it is gone and what it printed has been read. */
async function ended(child: BackendProcess): Promise<ProcessExit> {
  const status = await child.exited;
  await Promise.all([drained(child.stdout), drained(child.stderr)]);
  return status;
}

async function drained(stream: Readable): Promise<void> {
  // A program that Nix had started, and that is still there, may hold it open.
  await finished(stream, { signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => {});
  stream.destroy();
}

async function endTree(child: BackendProcess): Promise<void> {
  await child.kill('SIGTERM', 'tree');
  await Promise.race([child.exited.catch(() => {}), pause(GRACE_MS, undefined, { ref: false })]);
  await child.kill('SIGKILL', 'tree');
}

function reportChanges(doing: () => string, call: NixCall): NodeJS.Timeout | undefined {
  if (call.onProgress === undefined) return undefined;
  let last = EVALUATING;
  return setInterval(() => {
    const sentence = doing();
    if (sentence !== last) call.onProgress?.(sentence);
    last = sentence;
  }, PROGRESS_INTERVAL_MS);
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-LONGEST_LOG_LINE);
    lines.forEach(onLine);
  });
  stream.on('end', () => rest === '' || onLine(rest));
}

type Cause = 'aborted' | 'timed-out' | 'too-much';

/** What ends Nix before its own end. */
class Interruption {
  readonly first: Promise<Cause>;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.happen('aborted');
  #resolve: (cause: Cause) => void = () => {};

  constructor({ timeoutMs, signal }: NixCall) {
    this.first = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#timer = setTimeout(() => this.happen('timed-out'), Math.min(timeoutMs, LONGEST_TIMEOUT_MS));
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    // Meanwhile it was being started.
    if (signal?.aborted) this.happen('aborted');
  }

  happen(cause: Cause): void {
    this.#resolve(cause);
  }

  forget(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** What a stream has said, as long as it is not too much. */
class Output {
  onTooMuch = (): void => {};
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (this.#bytes > MOST_OUTPUT_BYTES) this.onTooMuch();
      else this.#chunks.push(chunk);
    });
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
