import { Duplex } from 'node:stream';
import type { Channel } from './channel.js';
import type { FrameWriter } from './frame-writer.js';
import { InputFlow } from './input-flow.js';
import { errnoName } from './linux-numbers.js';
import { OutputFlow, READABLE_BYTES } from './output-flow.js';
import { ProtocolError } from './protocol.js';

/** A connection to a port inside: ends in each direction by itself; destroying it resets it. */
export class Connection extends Duplex implements Channel {
  readonly #port: number;
  readonly #writer: FrameWriter;
  readonly #id: number;
  readonly #input: InputFlow;
  readonly #output: OutputFlow;
  readonly opened: Promise<this>;
  #settle!: { resolve(connection: Connection): void; reject(error: Error): void };
  #open = false;
  #gone = false;

  constructor(writer: FrameWriter, id: number, port: number) {
    super({ allowHalfOpen: true, readableHighWaterMark: READABLE_BYTES, decodeStrings: true });
    this.#port = port;
    this.#writer = writer;
    this.#id = id;
    this.#input = new InputFlow(writer, id);
    this.#output = new OutputFlow(writer, id, 1, this);
    this.opened = new Promise((resolve, reject) => {
      this.#settle = { resolve: () => resolve(this), reject };
    });
    this.opened.catch(() => {});
    this.on('error', () => {});
  }

  onStarted(): void {
    if (this.#open) throw new ProtocolError('the supervisor opened a connection twice');
    this.#open = true;
    this.#settle.resolve(this);
  }

  onFailed(_phase: number, _detail: number, errno: number): void {
    if (this.#open) throw new ProtocolError('the supervisor failed to open a connection that is open');
    this.lose(this.#systemError('connect', errno));
  }

  onOutput(_stream: number, piece: Buffer): void {
    this.#output.receive(piece);
  }

  onOutputEnd(): void {
    this.#output.end();
  }

  onCredit(bytes: number): void {
    this.#input.credit(bytes);
  }

  onExit(): void {
    throw new ProtocolError('the supervisor told the exit of a connection');
  }

  onGone(errno: number): void {
    this.#leave();
    if (errno !== 0) this.destroy(this.#systemError('read', errno));
    else if (!this.#output.ended) this.destroy();
  }

  lose(error: Error): void {
    this.#leave();
    this.#settle.reject(error);
    this.destroy(error);
  }

  override read(size?: number): Buffer | null {
    const chunk: Buffer | null = super.read(size);
    this.#output.credit();
    return chunk;
  }

  override _read(): void {
    this.#output.give();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#input.write(chunk, callback);
  }

  override _final(callback: () => void): void {
    this.#input.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Ended in both directions it goes by itself. Half of it is reset, whichever half that is.
    if (!this.#gone && !(this.#output.ended && this.writableFinished)) {
      if (this.#output.ended) this.#writer.close(this.#id, 1);
      else this.#output.close();
    }
    this.#input.stop();
    callback(error);
  }

  #leave(): void {
    this.#gone = true;
    this.#output.forget();
    this.#input.stop();
  }

  #systemError(syscall: string, errno: number): Error {
    const code = errnoName(errno);
    return Object.assign(new Error(`${syscall} ${code} 127.0.0.1:${this.#port}`), { code, syscall });
  }
}
