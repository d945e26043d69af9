import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { SshTarget } from './ssh-target.js';

/** For a machine that does not answer at all; below the bound of the detection. */
const CONNECT_SECONDS = 4;
/** Of what ssh says; the reason comes last. */
const MAX_COMPLAINT = 4096;

/** ssh(1), or the docker command on the other machine, has ended without an answer. */
export class SshError extends Error {
  /** ENOENT where there is no ssh on this machine. */
  readonly code: string;
  /** Exit code of ssh: 255 for its own failures, else that of the command there, 127 where it is missing. */
  readonly exitCode: number | null;
  /** Everything that was said, at most 4 KiB. */
  readonly complaint: string;

  constructor(message: string, details: { code: string; exitCode: number | null; complaint: string }) {
    super(message);
    this.code = details.code;
    this.exitCode = details.exitCode;
    this.complaint = details.complaint;
  }

  override get name(): string {
    return 'SshError';
  }
}

/**
 * A connection to the engine of another machine, as the docker command makes it: ssh(1) with all of the user's settings
 * runs `docker system dial-stdio` there, which pours between its standard streams and the engine's socket.
 *
 * A Duplex with what node:http asks of a socket.
 */
export class SshConnection extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  #complaint = '';
  #exitCode: number | null = null;
  #answered = false;
  #idle: NodeJS.Timeout | undefined;
  #idleMs = 0;

  constructor(target: SshTarget) {
    // Like a socket of node:net: the end of the engine's side is the end.
    super({ allowHalfOpen: false });
    // In a group of its own: an interrupt from the terminal is for this program to handle, not for the connection.
    this.#child = spawn('ssh', sshArguments(target), { detached: true, windowsHide: true });
    const { stdin, stdout, stderr } = this.#child;
    this.#child.unref();
    (stderr as Socket).unref();
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT);
    });
    stdin.on('error', () => {});
    stdout.on('data', (chunk: Buffer) => {
      this.#answered = true;
      this.#busy();
      if (!this.push(chunk)) stdout.pause();
    });
    this.#child.once('error', (error: NodeJS.ErrnoException) => this.destroy(this.#failure(error)));
    this.#child.once('exit', (code) => {
      this.#exitCode = code;
    });
    // After the end of its output and its error output: only then is it known what was said.
    this.#child.once('close', () => {
      if (this.#answered) this.push(null);
      else this.destroy(this.#failure());
    });
    // A master connection in the background may hold the error output for long.
    stdout.once('end', () => {
      if (this.#answered) this.push(null);
      else if (this.#exitCode !== null) stderr.destroy();
      else this.#child.once('exit', () => setImmediate(() => stderr.destroy()));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#busy();
    // A failed write is not the reason: that comes with the end of ssh.
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#idle);
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    // Its streams are closed; this ends it also while it still connects.
    this.#child.kill();
    done(error);
  }

  ref(): this {
    for (const stream of this.#streams()) stream.ref();
    return this;
  }

  unref(): this {
    for (const stream of this.#streams()) stream.unref();
    return this;
  }

  /** Emits 'timeout' after that long without a byte; 0 means never. */
  setTimeout(idleMs: number, listener?: () => void): this {
    this.#idleMs = idleMs;
    if (listener !== undefined && idleMs > 0) this.once('timeout', listener);
    this.#busy();
    return this;
  }

  get timeout(): number {
    return this.#idleMs;
  }

  /** ssh has settings of its own for both. */
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  #streams(): Socket[] {
    return [this.#child.stdin, this.#child.stdout] as unknown as Socket[];
  }

  #busy(): void {
    clearTimeout(this.#idle);
    if (this.#idleMs === 0 || this.destroyed) return;
    this.#idle = setTimeout(() => this.emit('timeout'), this.#idleMs).unref();
  }

  #failure(error?: NodeJS.ErrnoException): SshError {
    const lines = this.#complaint.split(/\r?\n/).map((line) => line.trim());
    const said = lines.filter((line) => line !== '' && !/^(Warning|debug\d): /.test(line)).at(-1);
    return new SshError(error?.message ?? said ?? `ssh has ended with ${this.#exitCode}`, {
      code: error?.code ?? 'ESSH',
      exitCode: this.#exitCode,
      complaint: this.#complaint,
    });
  }
}

/** What ssh(1) is called with: nothing of the target may become an option of it, or a word for the shell there. */
export function sshArguments({ host, user, port, socketPath }: SshTarget): readonly string[] {
  return [
    ...['-T', '-a', '-x'],
    // Nobody can be asked; what an ssh_config adds to interactive sessions would get into the stream's way.
    ...['BatchMode=yes', 'RemoteCommand=none', 'ClearAllForwardings=yes', 'PermitLocalCommand=no']
      .concat(`ConnectTimeout=${CONNECT_SECONDS}`)
      .flatMap((option) => ['-o', option]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', `${port}`]),
    ...['--', host, 'docker'],
    ...(socketPath === undefined ? [] : [`--host=unix://${socketPath}`]),
    ...['system', 'dial-stdio'],
  ];
}
