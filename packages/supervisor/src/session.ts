import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Channel } from './channel.js';
import { type ExitReport, FrameDecoder, type FrameHandler } from './frame-decoder.js';
import { FrameWriter } from './frame-writer.js';
import { ProtocolError } from './protocol.js';
import type { StreamPair } from './stream-pair.js';

/** Between the end of our side and that of the supervisor. */
const CLOSE_MS = 5000;
/** Between the end of the way there and that of the way back: why the supervisor has ended it comes there. */
const LAST_WORDS_MS = 1000;

/** Of a stream that is one of the system's. */
type Handle = Pick<Socket, 'ref' | 'unref'>;

export interface Reply {
  readonly errno: number;
  readonly answer: Buffer;
}

/** Of the session, from its stream to a socket. */
export interface Move {
  /** Of the socket, as seen inside. */
  readonly path: string;
  readonly token: Buffer;
  /** Resolves with the connection that has said the token, `undefined` where none has in time. */
  readonly arrived: Promise<Duplex | undefined>;
}

/** One stream to a supervisor that has greeted: ids, requests, and the end of everything when the stream ends. */
export class Session implements FrameHandler {
  readonly writer: FrameWriter;
  /** Resolves when the stream dies by itself; stays pending after {@link close}. */
  readonly lost: Promise<Error>;
  #stream: StreamPair;
  /** The stream that the session has left: its end is the end all the same. */
  #lease: StreamPair | undefined;
  readonly #decoder = new FrameDecoder(this);
  readonly #channels = new Map<number, Channel>();
  /** Ids of channels that nobody waits for any more. */
  readonly #unawaited = new Set<number>();
  readonly #requests = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  readonly #ended: Promise<void>;
  #tellLost!: (error: Error) => void;
  #tellEnded!: () => void;
  #lastId = 0;
  #lastRequest = 0;
  #moving = false;
  #closing = false;
  #isHeld = true;
  #end: Error | undefined;
  #lastWords: NodeJS.Timeout | undefined;

  constructor(stream: StreamPair) {
    this.#stream = stream;
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve;
    });
    this.#ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
    this.writer = new FrameWriter(stream.writable);
    this.writer.hello();
    this.#listen(stream);
    this.#hold();
  }

  /** Why nothing can be asked any more. */
  assertOpen(): void {
    if (this.#end !== undefined) throw this.#end;
    if (this.#closing) throw closedError();
  }

  /** Makes a channel with a fresh id. */
  open<C extends Channel>(create: (id: number) => C): C {
    this.assertOpen();
    do this.#lastId = (this.#lastId % 0xffff_ffff) + 1;
    while (this.#channels.has(this.#lastId));
    const id = this.#lastId;
    const channel = create(id);
    this.#channels.set(id, channel);
    this.#hold();
    return channel;
  }

  /** A channel that has nothing more to say to this program is no reason for it to stay alive. */
  setAwaited(id: number, isAwaited: boolean): void {
    if (isAwaited) this.#unawaited.delete(id);
    else if (this.#channels.has(id)) this.#unawaited.add(id);
    this.#hold();
  }

  async request(send: (request: number) => void): Promise<Reply> {
    this.assertOpen();
    do this.#lastRequest = (this.#lastRequest + 1) % 0x1_0000_0000;
    while (this.#requests.has(this.#lastRequest));
    const request = this.#lastRequest;
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#requests.set(request, { resolve, reject });
    });
    this.#hold();
    send(request);
    return await reply;
  }

  /**
   * Asks the supervisor to go on over the socket that `prepare` makes, and does so with it. What is sent meanwhile waits.
   * False when there is no such socket, or the supervisor stays on its stream.
   */
  async move(prepare: () => Promise<Move | undefined>): Promise<boolean> {
    this.assertOpen();
    if (this.#moving) return false;
    this.#moving = true;
    this.writer.hold();
    try {
      const move = await prepare();
      if (move === undefined) return false;
      const { errno } = await this.request((request) => this.writer.move(request, move.token, move.path));
      if (errno !== 0) return false;
      this.#goOnOver(await move.arrived);
      return true;
    } finally {
      this.#moving = false;
      this.writer.release();
    }
  }

  /** Ends our side of the stream and waits for the other. */
  async close(): Promise<void> {
    if (!this.#closing && this.#end === undefined) {
      this.#closing = true;
      this.#hold();
      this.writer.end();
      this.#lease?.writable.end();
      const timer = setTimeout(() => this.lose(closedError()), CLOSE_MS);
      void this.#ended.then(() => clearTimeout(timer));
    }
    await this.#ended;
  }

  /** Ends the session: whoever waits for something hears why it will not come. */
  lose(error: Error): void {
    if (this.#end !== undefined) return;
    const end = this.#closing ? closedError() : error;
    this.#end = end;
    clearTimeout(this.#lastWords);
    this.writer.stop();
    // Heard before what becomes of each process: who has some knows why.
    if (!this.#closing) this.#tellLost(end);
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    this.#unawaited.clear();
    for (const channel of channels) channel.lose(end);
    for (const { reject } of this.#requests.values()) reject(end);
    this.#requests.clear();
    for (const stream of [this.#stream, this.#lease]) {
      stream?.readable.destroy();
      stream?.writable.destroy();
    }
    this.#tellEnded();
  }

  onStarted(id: number, pid: number): void {
    this.#channel(id).onStarted(pid);
  }

  onFailed(id: number, phase: number, detail: number, errno: number): void {
    this.#channel(id).onFailed(phase, detail, errno);
    this.#forget(id);
  }

  onOutput(id: number, stream: number, piece: Buffer): void {
    this.#channel(id).onOutput(stream, piece);
  }

  onOutputEnd(id: number, stream: number): void {
    this.#channel(id).onOutputEnd(stream);
  }

  onExit(id: number, report: ExitReport): void {
    this.#channel(id).onExit(report);
  }

  onCredit(id: number, bytes: number): void {
    this.#channel(id).onCredit(bytes);
  }

  onGone(id: number, errno: number): void {
    this.#channel(id).onGone(errno);
    this.#forget(id);
  }

  onReply(request: number, errno: number, answer: Buffer): void {
    const waiting = this.#requests.get(request);
    if (waiting === undefined) throw new ProtocolError('the supervisor answered what nobody had asked');
    this.#requests.delete(request);
    this.#hold();
    waiting.resolve({ errno, answer });
  }

  onError(sentence: string): void {
    throw new ProtocolError(`the supervisor ended the session: ${sentence}`);
  }

  #forget(id: number): void {
    this.#channels.delete(id);
    this.#unawaited.delete(id);
    this.#hold();
  }

  /** A program that waits for nothing more ends by itself, as it does with child processes; then all ends here, too. */
  #hold(changed = false): void {
    const awaited = this.#channels.size - this.#unawaited.size + this.#requests.size;
    const isAwaited = this.#closing || awaited > 0;
    if (isAwaited === this.#isHeld && !changed) return;
    this.#isHeld = isAwaited;
    for (const pair of [this.#stream, this.#lease]) {
      for (const handle of [pair?.readable, pair?.writable] as (Partial<Handle> | undefined)[]) {
        if (isAwaited) handle?.ref?.();
        else handle?.unref?.();
      }
    }
  }

  #channel(id: number): Channel {
    const channel = this.#channels.get(id);
    if (channel === undefined)
      throw new ProtocolError(`the supervisor spoke about ${id}, which does not exist`);
    return channel;
  }

  #listen(stream: StreamPair): void {
    const { readable, writable } = stream;
    const ended = (): void => this.#loseStream(stream, this.#endError());
    readable.on('data', (chunk: Buffer) => this.#read(stream, chunk)).resume();
    readable.on('end', ended).on('close', ended);
    readable.on('error', (error) => this.#loseStream(stream, streamError(error)));
    writable.on('close', () => this.#loseSoon(this.#endError()));
    writable.on('error', (error) => this.#loseSoon(streamError(error)));
  }

  /** The supervisor has left the stream: there is no way back. */
  #goOnOver(socket: Duplex | undefined): void {
    if (socket === undefined || socket.destroyed || !this.#decoder.atBoundary) {
      this.lose(
        new Error('the supervisor has gone: it left its stream for a socket, and did not arrive there'),
      );
    }
    if (this.#end !== undefined || this.#closing || socket === undefined) {
      socket?.destroy();
      throw this.#end ?? closedError();
    }
    this.#lease = this.#stream;
    this.#stream = { readable: socket, writable: socket };
    this.#listen(this.#stream);
    this.writer.release(socket);
    this.#hold(true);
  }

  #read(from: StreamPair, chunk: Buffer): void {
    if (from === this.#lease) {
      this.lose(new ProtocolError('the supervisor spoke on the stream that it had left'));
      return;
    }
    if (this.#end !== undefined) return;
    try {
      this.#decoder.write(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.lose(error);
    }
  }

  /** What it has said before may still be on its way over the other. */
  #loseStream(stream: StreamPair, error: Error): void {
    if (stream === this.#lease) this.#loseSoon(error);
    else this.lose(error);
  }

  /** Nothing can be said any more, but what has been answered may still be on its way. */
  #loseSoon(error: Error): void {
    if (this.#end === undefined) this.#lastWords ??= setTimeout(() => this.lose(error), LAST_WORDS_MS);
  }

  #endError(): Error {
    const where = this.#decoder.atBoundary ? '' : ' in the middle of a frame';
    return new Error(`the supervisor has gone: its stream ended${where}`);
  }
}

function streamError(cause: Error): Error {
  return new Error(`the supervisor has gone: its stream failed: ${cause.message}`, { cause });
}

function closedError(): Error {
  return new Error('the connection to the supervisor was closed');
}
