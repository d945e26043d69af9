import type { BackendProcess, ProcessExit, Signal, TerminalSize } from '@companion/core/backend';
import type { Channel } from './channel.js';
import type { ExitReport, ResourceUsage } from './frame-decoder.js';
import { inheritInput } from './inherited-input.js';
import { errnoName, signalName, signalNumber } from './linux-numbers.js';
import { ProcessInput, ProcessOutput } from './process-streams.js';
import { ProtocolError, SignalTarget } from './protocol.js';
import type { Session } from './session.js';
import { SpawnFailure, spawnPhase } from './spawn-failure.js';
import { checkTerminalSize, type SupervisedCommand } from './spawn-frame.js';

/** A process as the contract of backends wants it; nothing of it is optional here. */
export interface SupervisedProcess extends BackendProcess {
  /** What it has used, its reaped children included; settles like `exited`. */
  readonly usage: Promise<ResourceUsage>;
  /** Resolves once nothing of its tree is left, or the supervisor is lost. */
  readonly gone: Promise<void>;
  resize(size: TerminalSize): Promise<void>;
  outputSettled(): Promise<void>;
  descendants(): Promise<readonly { readonly pid: number; readonly name: string }[]>;
}

type State = 'starting' | 'running' | 'exited' | 'gone';

/** A process from its `SPAWN` to its `GONE`. */
export class ProcessChannel implements SupervisedProcess, Channel {
  pid: number | null = null;
  /** Null also where this program's own standard input goes there. */
  readonly stdin: ProcessInput | null;
  readonly stdout: ProcessOutput;
  readonly stderr: ProcessOutput;
  readonly exited: Promise<ProcessExit>;
  readonly usage: Promise<ResourceUsage>;
  readonly gone: Promise<void>;
  /** Resolves once it runs; rejects with a {@link SpawnFailure}, or with why the supervisor is gone. */
  readonly started: Promise<SupervisedProcess>;
  readonly #session: Session;
  readonly #id: number;
  readonly #command: SupervisedCommand;
  readonly #input: ProcessInput | null;
  #start!: { resolve(process: SupervisedProcess): void; reject(error: Error): void };
  #verdict!: { resolve(exit: ExitReport): void; reject(error: Error): void };
  #tellGone!: () => void;
  #state: State = 'starting';

  constructor(session: Session, id: number, command: SupervisedCommand) {
    this.#session = session;
    this.#id = id;
    this.#command = command;
    const { writer } = session;
    this.#input = command.stdin === 'ignore' ? null : new ProcessInput(writer, id);
    this.stdin = command.stdin === 'pipe' ? this.#input : null;
    const onChange = (): void => this.#letGo();
    this.stdout = new ProcessOutput(writer, id, 1, onChange);
    this.stderr = new ProcessOutput(writer, id, 2, onChange);
    // A terminal has one output.
    if (command.tty !== undefined) this.stderr.flow.end();
    this.gone = new Promise((resolve) => {
      this.#tellGone = resolve;
    });
    this.started = new Promise((resolve, reject) => {
      this.#start = { resolve, reject };
    });
    const report = new Promise<ExitReport>((resolve, reject) => {
      this.#verdict = { resolve, reject };
    });
    this.exited = report.then(exitOf);
    this.usage = report.then(({ usage }) => usage);
    // Who is interested waits for them; nobody has to.
    this.started.catch(() => {});
    this.exited.catch(() => {});
    this.usage.catch(() => {});
  }

  async kill(signal: Signal, target: 'process' | 'tree' = 'process'): Promise<void> {
    const number = signalNumber(signal);
    if (number === undefined) throw new TypeError(`Linux has no signal ${signal}`);
    if (this.#state === 'gone' || (target === 'process' && this.#state === 'exited')) return;
    const aim = target === 'tree' ? SignalTarget.TREE : SignalTarget.PROCESS;
    const { errno } = await this.#session.request((request) => {
      this.#session.writer.signal(this.#id, request, aim, number);
    });
    // It has ended meanwhile.
    if (errno !== 0 && errnoName(errno) !== 'ESRCH') throw requestError(`signal ${signal}`, errno);
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    if (this.#state === 'gone') return;
    this.#session.assertOpen();
    checkTerminalSize({ columns, rows });
    this.#session.writer.resize(this.#id, columns, rows);
  }

  /** Every answer about it comes after what its outputs held and were allowed to send; to a list also on a full stream. */
  async outputSettled(): Promise<void> {
    await this.descendants();
  }

  async descendants(): Promise<readonly { readonly pid: number; readonly name: string }[]> {
    if (this.#state === 'gone') return [];
    const { errno, answer } = await this.#session.request((request) => {
      this.#session.writer.list(this.#id, request);
    });
    if (errno !== 0) throw requestError('list its descendants', errno);
    const found: { pid: number; name: string }[] = [];
    for (let offset = 0; offset < answer.length; ) {
      const end = answer.indexOf(0, offset + 4);
      if (end === -1) throw new ProtocolError('the supervisor listed a process without a name');
      found.push({ pid: answer.readUInt32LE(offset), name: answer.toString('utf8', offset + 4, end) });
      offset = end + 1;
    }
    return found;
  }

  /** For one that nobody wants any more: resolves once nothing of it is left. */
  async discard(): Promise<void> {
    this.#input?.destroy();
    this.stdout.destroy();
    this.stderr.destroy();
    await this.kill('SIGKILL', 'tree');
  }

  onStarted(pid: number): void {
    this.#expect(this.#state === 'starting');
    this.#state = 'running';
    this.pid = pid;
    if (this.#command.stdin === 'inherit' && this.#input !== null) inheritInput(this.#input, this.exited);
    this.#start.resolve(this);
  }

  onFailed(phase: number, detail: number, errno: number): void {
    this.#expect(this.#state === 'starting');
    const name = spawnPhase(phase);
    if (name === undefined)
      throw new ProtocolError(`the supervisor failed in phase ${phase}, which does not exist`);
    const { file, cwd } = this.#command;
    this.#leave(new SpawnFailure({ phase: name, errno, exists: detail === 1, file, cwd }));
  }

  onOutput(stream: number, piece: Buffer): void {
    this.#expect(this.#state === 'running' || this.#state === 'exited');
    this.#output(stream).flow.receive(piece);
  }

  onOutputEnd(stream: number): void {
    this.#expect(this.#state === 'running' || this.#state === 'exited');
    this.#output(stream).flow.end();
    this.#letGo();
  }

  onCredit(bytes: number): void {
    this.#input?.flow.credit(bytes);
  }

  onExit(report: ExitReport): void {
    this.#expect(this.#state === 'running');
    this.#state = 'exited';
    if (report.how <= 1) this.#verdict.resolve(report);
    else this.#verdict.reject(new Error(`nobody knows how ${this.#command.file} ended`));
    this.#letGo();
  }

  onGone(): void {
    this.#expect(this.#state === 'exited');
    for (const { flow, destroyed } of [this.stdout, this.stderr]) {
      if (!flow.ended && !destroyed) throw new ProtocolError('the supervisor forgot the end of an output');
      flow.forget();
    }
    this.#state = 'gone';
    this.#tellGone();
    this.#input?.flow.stop();
    // Who has ended it gets to its end; who still writes has to be stopped.
    if (this.#input?.writableEnded === false) this.#input.destroy();
  }

  lose(error: Error): void {
    this.#leave(error);
  }

  #leave(error: Error): void {
    this.#state = 'gone';
    this.#tellGone();
    this.#start.reject(error);
    this.#verdict.reject(error);
    this.#input?.flow.stop();
    this.#input?.destroy(error);
    for (const output of [this.stdout, this.stderr]) {
      output.flow.forget();
      // What has come completely stays readable.
      if (!output.flow.ended) output.destroy(error);
    }
  }

  /** What it has left running is no reason for this program to stay alive, as it is not with child processes. */
  #letGo(): void {
    if (this.#state !== 'exited') return;
    this.#session.setAwaited(this.#id, this.stdout.isAwaited || this.stderr.isAwaited);
  }

  #output(stream: number): ProcessOutput {
    return stream === 1 ? this.stdout : this.stderr;
  }

  #expect(inTurn: boolean): void {
    if (!inTurn) {
      throw new ProtocolError(`the supervisor spoke out of turn about a process: it is ${this.#state}`);
    }
  }
}

function exitOf({ how, number, outOfMemory }: ExitReport): ProcessExit {
  const more = outOfMemory ? { outOfMemory } : {};
  return how === 0
    ? { code: number, signal: null, ...more }
    : { code: null, signal: signalName(number), ...more };
}

function requestError(what: string, errno: number): Error {
  const code = errnoName(errno);
  return Object.assign(new Error(`the supervisor could not ${what}: ${code}`), { code });
}
