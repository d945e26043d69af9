import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from '../../src/process/byte-queue.js';

/** Chunks on both sides of the size from which they are no longer copied together. */
const chunk = fc
  .oneof(
    { weight: 8, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 64 }) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 16_000, max: 40_000 }).map((size) => new Uint8Array(size).fill(size)),
    },
  )
  .map((bytes) => Buffer.from(bytes));

function drain(queue: ByteQueue): Buffer {
  const chunks: Buffer[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) chunks.push(next);
  return Buffer.concat(chunks);
}

describe('ByteQueue', () => {
  it('gives back the bytes that were put in, in order, however they were cut', () => {
    fc.assert(
      fc.property(fc.array(chunk), (chunks) => {
        const queue = new ByteQueue();
        for (const item of chunks) queue.push(item);
        const all = Buffer.concat(chunks);
        expect(queue.byteLength).toBe(all.length);
        expect(queue.peek().equals(all)).toBe(true);
        expect(drain(queue).equals(all)).toBe(true);
        expect(queue.byteLength).toBe(0);
      }),
    );
  });

  it('stays in order when pushes and shifts alternate', () => {
    fc.assert(
      fc.property(fc.array(fc.option(chunk, { nil: null })), (steps) => {
        const queue = new ByteQueue();
        const out: Buffer[] = [];
        for (const step of steps) {
          if (step === null) out.push(queue.shift() ?? Buffer.alloc(0));
          else queue.push(step);
        }
        out.push(drain(queue));
        const put = steps.filter((step) => step !== null);
        expect(Buffer.concat(out).equals(Buffer.concat(put))).toBe(true);
      }),
    );
  });

  it('trims to exactly the last bytes', () => {
    fc.assert(
      fc.property(fc.array(chunk), fc.nat({ max: 50_000 }), (chunks, maximum) => {
        const queue = new ByteQueue();
        for (const item of chunks) {
          queue.push(item);
          queue.trim(maximum);
        }
        const all = Buffer.concat(chunks);
        const last = all.subarray(Math.max(0, all.length - maximum));
        expect(queue.byteLength).toBe(last.length);
        expect(queue.peek().equals(last)).toBe(true);
      }),
    );
  });

  it('does not keep what it is given: the caller may write on', () => {
    const queue = new ByteQueue();
    const bytes = Buffer.from('abc');
    queue.push(bytes);
    bytes.fill('x');
    expect(queue.shift()?.toString()).toBe('abc');
  });

  it('says that nothing is left, once', () => {
    const queue = new ByteQueue();
    queue.push(Buffer.alloc(0));
    expect(drain(queue).length).toBe(0);
    expect(queue.shift()).toBeUndefined();
  });

  it('holds a hundred thousand single bytes in few buffers', () => {
    const queue = new ByteQueue();
    for (let index = 0; index < 100_000; index += 1) queue.push(Buffer.from([index % 256]));
    let buffers = 0;
    while (queue.shift() !== undefined) buffers += 1;
    expect(buffers).toBeLessThan(10);
  });
});
