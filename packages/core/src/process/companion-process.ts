import { constants } from 'node:os';
import { delimiter } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { onAbort } from '../abort.js';
import { parseBoolean, parseMilliseconds, parseOptional, parseText } from '../argument-checks.js';
import type { BackendProcess, ExitStatus, ProcessExit, Signal, TerminalSize, User } from '../backend.js';
import { abortedError, CompanionError, invalidArgument, messageOf } from '../errors.js';
import type { Directory, EnvironmentVariables, RunOptions } from '../options.js';
import { parseDirectory } from '../settings.js';
import {
  assertCapable,
  CommandPlan,
  parseProcessUser,
  parseStdin,
  parseTerminalSize,
} from './command-plan.js';
import { describeCommand } from './describe.js';
import { InputStream } from './input-stream.js';
import { linesOf } from './lines.js';
import { OutputStream } from './output-stream.js';
import { pour } from './pour.js';
import type { ProcessHost } from './process-host.js';
import { runToEnd } from './run.js';
import type { EndReason, RunResult } from './run-result.js';
import { startTurn } from './start-turn.js';
import { DEFAULT_KILL_GRACE_MS, descendantsNamed, killNow, settlesWithin, terminate } from './terminate.js';

/** A pipe that stays open, empty and being read for so long after the process's end is cut. */
const IDLE_PIPE_MS = 100;

type State =
  | { readonly is: 'new' }
  | { readonly is: 'waiting' }
  | { readonly is: 'starting'; readonly abort: AbortController; started: Promise<void> }
  | { readonly is: 'running'; readonly process: BackendProcess }
  | { readonly is: 'ended'; readonly process: BackendProcess | undefined };

let lastNumber = 0;

/**
 * One process inside a companion. Before `start()` the `with…` methods shape it; afterwards they throw
 * `COMPANION_WRONG_STATE`. Never thenable, so that an async function can return it.
 */
export class CompanionProcess {
  /** Unique in this program; names the process in events. */
  readonly number = ++lastNumber;
  readonly #host: ProcessHost;
  readonly #plan: CommandPlan;
  #stdin: InputStream | undefined;
  readonly #stdout = new OutputStream('stdout', () => this.#reportUnread('stdout'));
  readonly #stderr = new OutputStream('stderr', () => this.#reportUnread('stderr'));
  readonly #verdict: Promise<ProcessExit>;
  #settle!: { resolve(exit: ProcessExit): void; reject(error: unknown): void };
  #state: State = { is: 'new' };
  #startedAt = 0;
  #endedAt = 0;
  #stopping: Promise<void> | undefined;
  #loseEarly: ((error: Error) => void) | undefined;
  /** Why it ends, where that is somebody's decision. */
  #reason: EndReason | undefined;

  /** @internal Processes are made by a companion. */
  constructor(host: ProcessHost, file: string, args: readonly string[]) {
    this.#host = host;
    this.#plan = new CommandPlan(file, args);
    this.#verdict = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Who is interested calls wait(); nobody has to be.
    this.#verdict.catch(() => {});
  }

  /** Companion path (relative: from the companion's default directory), or `{ hostPath }`. */
  withDir(directory: Directory): this {
    this.#assertNew('withDir()').directory = parseDirectory('directory', directory);
    return this;
  }

  /** On top of the companion's variables; `undefined` removes one. Later calls win. */
  withEnv(variables: EnvironmentVariables): this {
    this.#assertNew('withEnv()').setVariables(variables);
    return this;
  }

  /**
   * Appends to a variable, after `separator` where it is set already. Default separator: that of `PATH` where the process
   * runs.
   */
  withEnvAppend(name: string, value: string, separator = this.#pathSeparator()): this {
    this.#assertNew('withEnvAppend()').extendVariable(
      name,
      value,
      (old) => `${old}${separator}${value}`,
      separator,
    );
    return this;
  }

  /** Puts something first in a variable, before `separator` where it is set already: `PATH`, mostly. */
  withEnvPrepend(name: string, value: string, separator = this.#pathSeparator()): this {
    this.#assertNew('withEnvPrepend()').extendVariable(
      name,
      value,
      (old) => `${value}${separator}${old}`,
      separator,
    );
    return this;
  }

  /** Sends stdout and stderr to `writable`, at its pace; it stays open. */
  withOutput(writable: Writable): this {
    this.#assertNew('withOutput()');
    for (const stream of [this.#stdout, this.#stderr]) pour(stream.claim(), writable);
    return this;
  }

  /** Gives the process a terminal; all its output then comes on stdout. */
  withTty(size: TerminalSize): this {
    const plan = this.#assertNew('withTty()');
    assertCapable(this.#host.capabilities, 'tty', 'terminals');
    plan.tty = parseTerminalSize(size);
    return this;
  }

  /** Runs as another user than the companion's. */
  withUser(user: User): this {
    this.#assertNew('withUser()').user = parseProcessUser(user, this.#host.capabilities);
    return this;
  }

  /** Opens a pipe to standard input: {@link stdin}. Without it the process reads end-of-file. */
  withStdin(source: 'pipe' | 'ignore' | 'inherit' = 'pipe'): this {
    this.#assertNew('withStdin()').stdin = parseStdin(source);
    return this;
  }

  /** Counts as running until its descendant of that name has ended, too; the verdict stays its own. */
  waitOn(name: string): this {
    const plan = this.#assertNew('waitOn()');
    assertCapable(this.#host.capabilities, 'descendants', 'waitOn()');
    plan.waitOn = parseText('name', name);
    return this;
  }

  /**
   * Resolves once the process runs. Rejects with `COMPANION_COMMAND_NOT_FOUND`, `COMPANION_COMMAND_NOT_EXECUTABLE`,
   * `COMPANION_WORK_DIR_NOT_FOUND`, `COMPANION_WRONG_STATE`, `COMPANION_ABORTED` or `COMPANION_ENVIRONMENT_LOST`;
   * nothing then runs.
   */
  async start(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options;
    this.#assertStartable('start()');
    const turn = startTurn();
    if (turn !== undefined) await this.#waitFor(turn);
    const abort = new AbortController();
    const forget = onAbort(signal, () => {
      abort.abort(abortedError(`starting ${this.#plan.file}`, signal));
    });
    try {
      await this.#launch(abort);
    } finally {
      forget();
    }
  }

  /** Rejects with the reason of `abort`, as it is, when that aborts. */
  async #launch(abort: AbortController): Promise<void> {
    this.#assertStartable('start()');
    if (abort.signal.aborted) throw abort.signal.reason;
    this.#track(this.#verdict);
    // The state first: a start that fails at once has left it again when the call returns.
    const starting = { is: 'starting' as const, abort, started: Promise.resolve() };
    this.#state = starting;
    starting.started = this.#start(abort.signal);
    await starting.started;
  }

  /** Nothing else can be made of it meanwhile. Rejects when it is ended or lost. */
  async #waitFor(turn: Promise<void>): Promise<void> {
    const waiting = { is: 'waiting' as const };
    this.#state = waiting;
    this.#track(turn);
    await Promise.race([turn, this.#verdict]);
    if (this.#state !== waiting) await this.#verdict;
    this.#state = { is: 'new' };
  }

  /** Starts the process and resolves once it has ended and its output has been read. See {@link RunOptions}. */
  run(options: ProcessRunOptions & { readonly encoding: 'buffer' }): Promise<RunResult<Buffer>>;
  run(options?: ProcessRunOptions & { readonly encoding?: 'utf8' }): Promise<RunResult>;
  run(
    options?: ProcessRunOptions & { readonly encoding?: 'utf8' | 'buffer' },
  ): Promise<RunResult<string | Buffer>>;
  async run(
    options: ProcessRunOptions & { readonly encoding?: 'utf8' | 'buffer' } = {},
  ): Promise<RunResult<string | Buffer>> {
    const plan = this.#assertStartable('run()');
    const turn = startTurn();
    if (turn !== undefined) await this.#waitFor(turn);
    return await runToEnd(
      {
        description: describeCommand(plan.file, plan.args),
        stdin: () => this.#input(),
        stdout: this.#stdout,
        stderr: this.#stderr,
        verdict: this.#verdict,
        start: async (abort, stdin) => {
          if (stdin) plan.stdin = 'pipe';
          await this.#launch(abort);
        },
        end: (reason, graceMs) => this.#end(reason, graceMs),
        finishOutput: () => this.#finishOutput(),
        reason: () => this.#reason,
        durationMs: () => this.#endedAt - this.#startedAt,
      },
      options,
    );
  }

  /**
   * Resolves once the process is gone, whatever its verdict; rejects only where there is none: with the start's own
   * error, or `COMPANION_ENVIRONMENT_LOST`. Any number of callers, any number of times. Output that nobody has
   * claimed flows away from here on.
   */
  async wait(): Promise<ExitStatus> {
    if (this.#state.is === 'new') throw this.#wrongState('wait()', 'it has not been started');
    this.#stdout.release();
    this.#stderr.release();
    return await this.#verdict;
  }

  /**
   * TERM to the whole tree, KILL to what is left after `graceMs` (default 3000; 0 is KILL at once). Resolves once
   * nothing of the tree runs. Quiet before the start; after the end it ends what the process has left behind.
   */
  async stop(options: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    const graceMs = parseOptional('graceMs', options.graceMs, parseMilliseconds) ?? DEFAULT_KILL_GRACE_MS;
    await this.#end('stopped', graceMs);
  }

  /**
   * Delivers a signal to the process itself, or with `tree` to its descendants as well, as Ctrl-C at a terminal does.
   * Quiet after its end. Throws `COMPANION_UNSUPPORTED` for what the backend cannot deliver.
   */
  async signal(name: Signal, options: { readonly tree?: boolean | undefined } = {}): Promise<void> {
    if (!Object.hasOwn(constants.signals, name)) {
      throw invalidArgument('signal', "a signal's name, like 'SIGTERM'", name);
    }
    if (name !== 'SIGTERM' && name !== 'SIGKILL') assertCapable(this.#host.capabilities, 'signals', name);
    const tree = parseOptional('tree', options.tree, parseBoolean) ?? false;
    if (tree) assertCapable(this.#host.capabilities, 'killTree', 'signals to a tree of processes');
    await this.#running('signal()')?.kill(name, tree ? 'tree' : 'process');
  }

  /** Tells the process the new size of its terminal. Quiet after its end. */
  async resize(size: TerminalSize): Promise<void> {
    const parsed = parseTerminalSize(size);
    if (this.#plan.tty === undefined) throw this.#wrongState('resize()', 'it has no terminal');
    await this.#running('resize()')?.resize?.(parsed);
  }

  isRunning(): boolean {
    return this.#state.is === 'running';
  }

  /** As seen inside; `null` before the start. */
  get pid(): number | null {
    if (this.#state.is === 'running' || this.#state.is === 'ended') return this.#state.process?.pid ?? null;
    return null;
  }

  /** Open where the process was started by `spawn()` or told `withStdin()`. Ending it is end-of-file. */
  get stdin(): Writable {
    if (this.#plan.stdin === 'pipe') return this.#input();
    throw this.#wrongState('stdin', 'its standard input is not a pipe; call withStdin() before the start');
  }

  /** Bytes, held from the first one on. Taking it claims it: from then on a slow reader slows the process down. */
  get stdout(): Readable {
    return this.#stdout.claim();
  }

  /** See {@link stdout}. */
  get stderr(): Readable {
    return this.#stderr.claim();
  }

  /** The last 64 KiB of one output that came, decoded, whoever has read them; for messages. Claims nothing. */
  tail(stream: 'stdout' | 'stderr' = 'stderr'): string {
    return (stream === 'stdout' ? this.#stdout : this.#stderr).tail.toString('utf8');
  }

  /** Lines of one output as they come, without their line breaks. Default: stdout. Claims the stream. */
  lines(
    options: { readonly stream?: 'stdout' | 'stderr' | undefined } = {},
  ): AsyncGenerator<string, void, undefined> {
    return linesOf(options.stream === 'stderr' ? this.stderr : this.stdout);
  }

  /** `stop()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** @internal For readiness and logs: what may be seen without claiming or releasing anything. */
  static watch(process: CompanionProcess): ProcessWatch {
    return {
      description: describeCommand(process.#plan.file, process.#plan.args),
      ended: process.#verdict,
      stdout: process.#stdout,
      stderr: process.#stderr,
    };
  }

  /** @internal Takes over a process that the backend has started by itself: the main process. */
  static adopt(process: CompanionProcess, backendProcess: BackendProcess): void {
    process.#stdout.releaseWhenFull();
    process.#stderr.releaseWhenFull();
    process.#track(process.#verdict);
    process.#begin(backendProcess);
  }

  async #start(signal: AbortSignal): Promise<void> {
    try {
      const spawning = this.#host.spawn(this.#plan.command(this.#host), signal);
      const backendProcess = await Promise.race([spawning, this.#lostEarly(spawning)]);
      if (signal.aborted) await killNow(backendProcess);
      signal.throwIfAborted();
      this.#begin(backendProcess);
    } catch (error) {
      const failure = signal.aborted ? signal.reason : error;
      this.#notStarted(failure);
      throw failure;
    }
  }

  #notStarted(failure: unknown): void {
    const { file } = this.#plan;
    this.#state = { is: 'ended', process: undefined };
    this.#closeStreams();
    this.#settle.reject(failure);
    const code = CompanionError.is(failure) ? failure.code : 'COMPANION_START_FAILED';
    this.#host.emit({ topic: 'process', type: 'start-failed', process: this.number, file, code });
  }

  #begin(process: BackendProcess): void {
    this.#state = { is: 'running', process };
    this.#startedAt = performance.now();
    this.#stdout.attach(process.stdout);
    this.#stderr.attach(process.stderr);
    if (process.stdin !== null) this.#input().attach(process.stdin);
    const { file, waitOn } = this.#plan;
    this.#host.emit({ topic: 'process', type: 'started', process: this.number, pid: process.pid, file });
    const gone =
      waitOn === undefined
        ? process.exited
        : process.exited.then((exit) => descendantsNamed(process, waitOn).then(() => exit));
    gone.then(
      (exit) => this.#ended(process, exit),
      (error: unknown) => this.#lost(process, error),
    );
  }

  #track(until: Promise<unknown>): void {
    this.#host.track(
      {
        stop: () => this.stop(),
        lose: (error) => {
          if (this.#state.is === 'running') this.#lost(this.#state.process, error);
          else if (this.#state.is === 'waiting') this.#notStarted(error);
          else this.#loseEarly?.(error);
        },
      },
      until,
    );
  }

  /** Rejects if the environment dies before it has answered; an answer that comes all the same is not wanted. */
  #lostEarly(spawning: Promise<BackendProcess>): Promise<never> {
    return new Promise((_, reject) => {
      this.#loseEarly = (error) => {
        spawning.then(killNow).catch(() => {});
        reject(error);
      };
    });
  }

  #ended(process: BackendProcess, exit: ProcessExit): void {
    if (!this.#leave(process, exit)) return;
    this.#reason ??= exit.outOfMemory ? 'out-of-memory' : undefined;
    this.#settle.resolve(exit);
  }

  #lost(process: BackendProcess, error: unknown): void {
    if (!this.#leave(process, null)) return;
    this.#reason = 'lost';
    this.#closeStreams();
    this.#settle.reject(
      CompanionError.is(error, 'COMPANION_ENVIRONMENT_LOST')
        ? error
        : new CompanionError(
            'COMPANION_ENVIRONMENT_LOST',
            `what became of ${this.#plan.file} is unknown: ${messageOf(error)}`,
            { cause: error },
          ),
    );
  }

  #leave(process: BackendProcess, status: ExitStatus | null): boolean {
    if (this.#state.is !== 'running') return false;
    this.#state = { is: 'ended', process };
    this.#endedAt = performance.now();
    this.#stdin?.detach();
    this.#host.emit({
      topic: 'process',
      type: 'exited',
      process: this.number,
      pid: process.pid,
      file: this.#plan.file,
      status: status === null ? null : statusOf(status),
      durationMs: this.#endedAt - this.#startedAt,
    });
    return true;
  }

  async #end(reason: EndReason, graceMs: number): Promise<void> {
    const aborted = (): CompanionError => abortedError(`starting ${this.#plan.file}`, undefined);
    if (this.#state.is === 'waiting') this.#notStarted(aborted());
    if (this.#state.is === 'starting') {
      this.#state.abort.abort(aborted());
      // Whoever called start() gets the error.
      await this.#state.started.catch(() => {});
    }
    if (this.#state.is !== 'running' && this.#state.is !== 'ended') return;
    const { process } = this.#state;
    if (process === undefined || this.#reason === 'lost') return;
    if (this.#state.is === 'running') this.#reason ??= reason;
    this.#stdout.release();
    this.#stderr.release();
    try {
      if (this.#stopping === undefined) this.#stopping = this.#terminate(process, graceMs);
      // Somebody is stopping it already, with more patience perhaps.
      else if (!(await settlesWithin(this.#stopping, graceMs))) await process.kill('SIGKILL', 'tree');
      await this.#stopping;
    } catch (error) {
      if (CompanionError.is(error)) throw error;
      const message = `${this.#plan.file} could not be ended: ${messageOf(error)}`;
      throw new CompanionError('COMPANION_SHUTDOWN_FAILED', message, { cause: error });
    }
  }

  async #terminate(process: BackendProcess, graceMs: number): Promise<void> {
    try {
      await terminate(process, this.#verdict, graceMs);
    } catch (error) {
      this.#stopping = undefined;
      throw error;
    }
    // A claimed stream takes as long as its reader does.
    const finished = this.#finishOutput();
    if (!this.#stdout.claimed && !this.#stderr.claimed) await finished;
  }

  async #finishOutput(): Promise<void> {
    const process = this.#state.is === 'ended' ? this.#state.process : undefined;
    const settled = process?.outputSettled?.bind(process);
    await Promise.all(
      [this.#stdout, this.#stderr].map((output) => output.finishWhenIdle(IDLE_PIPE_MS, settled)),
    );
  }

  #pathSeparator(): string {
    return this.#host.capabilities.filesystem === 'shared' ? delimiter : ':';
  }

  /** Made when it is needed: most processes read nothing. */
  #input(): InputStream {
    this.#stdin ??= new InputStream();
    // Written to after the end, it has to be quiet, too.
    if (this.#state.is === 'ended') this.#stdin.detach();
    return this.#stdin;
  }

  #closeStreams(): void {
    this.#stdin?.detach();
    this.#stdout.finish();
    this.#stderr.finish();
  }

  #reportUnread(stream: 'stdout' | 'stderr'): void {
    const process = this.#state.is === 'running' ? this.#state.process : undefined;
    if (process === undefined) return;
    const { pid } = process;
    const { file } = this.#plan;
    this.#host.emit({ topic: 'process', type: 'output-unread', process: this.number, pid, file, stream });
  }

  #assertNew(what: string): CommandPlan {
    if (this.#state.is !== 'new') throw this.#wrongState(what, 'it has been started already');
    return this.#plan;
  }

  #assertStartable(what: string): CommandPlan {
    const plan = this.#assertNew(what);
    this.#host.assertReady();
    return plan;
  }

  #running(what: string): BackendProcess | undefined {
    if (this.#state.is === 'running') return this.#state.process;
    if (this.#state.is === 'ended') return undefined;
    throw this.#wrongState(what, 'it is not running yet');
  }

  #wrongState(what: string, why: string): CompanionError {
    return new CompanionError('COMPANION_WRONG_STATE', `${what} of process ${this.#plan.file}: ${why}`);
  }
}

/** What `run()` of a process takes: what belongs to the command itself is said by its builder methods. */
export type ProcessRunOptions = Omit<RunOptions, 'cwd' | 'env' | 'tty' | 'user'>;

/** @internal */
export interface ProcessWatch {
  readonly description: string;
  readonly ended: Promise<ExitStatus>;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

function statusOf(exit: ExitStatus): ExitStatus {
  return exit.signal === null ? { code: exit.code, signal: null } : { code: null, signal: exit.signal };
}
