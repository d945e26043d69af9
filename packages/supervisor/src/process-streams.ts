import { Readable, Writable } from 'node:stream';
import type { FrameWriter } from './frame-writer.js';
import { InputFlow } from './input-flow.js';
import { OutputFlow, READABLE_BYTES } from './output-flow.js';

/** Standard input of a process. Falls silent when the process has gone: what it did not read is not an error. */
export class ProcessInput extends Writable {
  readonly flow: InputFlow;

  constructor(writer: FrameWriter, id: number) {
    super({ decodeStrings: true });
    this.flow = new InputFlow(writer, id);
    // Nobody has to listen: the process's verdict tells what became of it.
    this.on('error', () => {});
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.flow.write(chunk, callback);
  }

  override _final(callback: () => void): void {
    this.flow.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.flow.end();
    callback(error);
  }
}

/** An output of a process. */
export class ProcessOutput extends Readable {
  readonly flow: OutputFlow;
  readonly #onChange: () => void;
  #isHeld = true;

  /** `onChange` is told when {@link isAwaited} may be another. */
  constructor(writer: FrameWriter, id: number, stream: number, onChange: () => void) {
    super({ highWaterMark: READABLE_BYTES });
    this.flow = new OutputFlow(writer, id, stream, this);
    this.#onChange = onChange;
    this.on('error', () => {});
  }

  /** Whether more may come that this program stays alive for: as of a pipe, not while nobody reads. */
  get isAwaited(): boolean {
    return this.#isHeld && this.readableFlowing !== false && !this.flow.ended && !this.destroyed;
  }

  override pause(): this {
    super.pause();
    this.#onChange();
    return this;
  }

  override resume(): this {
    super.resume();
    this.#onChange();
    return this;
  }

  /** As of a socket: it is no reason for this program to stay alive, once the process itself has ended. */
  unref(): this {
    return this.#hold(false);
  }

  ref(): this {
    return this.#hold(true);
  }

  #hold(isHeld: boolean): this {
    this.#isHeld = isHeld;
    this.#onChange();
    return this;
  }

  /** Every reader comes through here, whatever way it reads. */
  override read(size?: number): Buffer | null {
    const chunk: Buffer | null = super.read(size);
    this.flow.credit();
    return chunk;
  }

  override _read(): void {
    this.flow.give();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.flow.close();
    this.#onChange();
    callback(error);
  }
}
