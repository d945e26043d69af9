/** Chunks below this are copied together: a million one-byte chunks would cost a hundred times their bytes. */
const SLAB_BYTES = 16 * 1024;
/** The first one is small: most outputs are, and Node has it at hand. */
const FIRST_SLAB_BYTES = 1024;

/** Bytes in order, in few buffers however small they came. */
export class ByteQueue {
  #buffers: Buffer[] = [];
  #slab: Buffer | undefined;
  #slabUsed = 0;
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  push(chunk: Buffer): void {
    this.#byteLength += chunk.length;
    if (chunk.length >= SLAB_BYTES) {
      this.#sealSlab();
      this.#buffers.push(chunk);
      return;
    }
    if (this.#slabUsed + chunk.length > (this.#slab?.length ?? 0)) {
      this.#sealSlab();
      const size = this.#byteLength <= FIRST_SLAB_BYTES ? FIRST_SLAB_BYTES : SLAB_BYTES;
      this.#slab = Buffer.allocUnsafe(size);
    }
    if (this.#slab !== undefined) chunk.copy(this.#slab, this.#slabUsed);
    this.#slabUsed += chunk.length;
  }

  /** The oldest bytes; `undefined` when there are none. */
  shift(): Buffer | undefined {
    if (this.#buffers.length === 0) this.#sealSlab();
    const first = this.#buffers.shift();
    this.#byteLength -= first?.length ?? 0;
    return first;
  }

  /** Drops the oldest bytes until at most `maximum` are left. */
  trim(maximum: number): void {
    while (this.#byteLength > maximum) {
      const first = this.shift();
      if (first === undefined) return;
      const excess = this.#byteLength + first.length - maximum;
      if (excess >= first.length) continue;
      this.#buffers.unshift(first.subarray(excess));
      this.#byteLength += first.length - excess;
    }
  }

  /** Everything held, left in place. */
  peek(): Buffer {
    const slab = this.#slab === undefined ? [] : [this.#slab.subarray(0, this.#slabUsed)];
    return Buffer.concat([...this.#buffers, ...slab], this.#byteLength);
  }

  #sealSlab(): void {
    if (this.#slab !== undefined) this.#buffers.push(this.#slab.subarray(0, this.#slabUsed));
    this.#slab = undefined;
    this.#slabUsed = 0;
  }
}
