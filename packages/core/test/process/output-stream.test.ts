import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OutputStream } from '../../src/process/output-stream.js';

const MIB = 1024 * 1024;
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Gives as much as it is asked for, and counts. */
class Tap extends Readable {
  taken = 0;
  override _read(): void {
    this.taken += 16_384;
    this.push(Buffer.alloc(16_384, this.taken % 251));
  }
}

function attached(onUnread: () => void = () => {}): {
  readonly output: OutputStream;
  readonly source: PassThrough;
} {
  const output = new OutputStream('stdout', onUnread);
  const source = new PassThrough();
  output.attach(source);
  return { output, source };
}

const chunks = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 100 }) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 10_000, max: 200_000 }).map((size) => new Uint8Array(size).fill(size)),
    },
  ),
  { maxLength: 12 },
);

describe('the bytes of an output', () => {
  it.each([
    ['before the first byte', 'before'],
    ['between them', 'between'],
    ['after the source has ended', 'after'],
  ] as const)('are all there, in order, for a reader that comes %s', async (_what, when) => {
    await fc.assert(
      fc.asyncProperty(chunks, fc.nat(), async (pieces, position) => {
        const { output, source } = attached();
        let read = when === 'before' ? buffer(output.claim()) : undefined;
        for (const [index, piece] of pieces.entries()) {
          if (when === 'between' && index === position % pieces.length) read = buffer(output.claim());
          source.write(piece);
          if (index % 3 === 0) await tick();
        }
        source.end();
        await tick();
        read ??= buffer(output.claim());
        expect((await read).equals(Buffer.concat(pieces))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('are held up to 1 MiB for a reader that has not come, then the source has to wait', async () => {
    const output = new OutputStream('stdout', () => {});
    const source = new Tap();
    output.attach(source);
    for (let turn = 0; turn < 300; turn += 1) await tick();
    expect(source.taken).toBeGreaterThanOrEqual(MIB);
    expect(source.taken).toBeLessThan(MIB + 128 * 1024);
    expect(source.isPaused()).toBe(true);
    output.destroy();
  });

  it('are held the same way for a reader that is stuck', async () => {
    const output = new OutputStream('stdout', () => {});
    const source = new Tap();
    output.attach(source);
    const reader = output.claim()[Symbol.asyncIterator]();
    await reader.next();
    const taken = source.taken;
    for (let turn = 0; turn < 300; turn += 1) await tick();
    expect(source.taken - taken).toBeLessThan(MIB + 256 * 1024);
    await reader.return?.();
  });

  it('flow again once a stuck reader reads on, and none is lost', async () => {
    const { output, source } = attached();
    const all = Buffer.alloc(3 * MIB, 'abcdefg');
    source.end(all);
    for (let turn = 0; turn < 50; turn += 1) await tick();
    expect((await buffer(output.claim())).equals(all)).toBe(true);
  });

  it('may be larger in one chunk than what is held', async () => {
    const { output, source } = attached();
    const all = Buffer.alloc(2 * MIB, 'x');
    source.end(all);
    await tick();
    expect((await buffer(output.claim())).length).toBe(all.length);
  });

  it('end where the source breaks: a broken pipe is no error of the reader', async () => {
    const { output, source } = attached();
    const read = buffer(output.claim());
    source.write('before');
    await tick();
    source.destroy(new Error('EIO'));
    expect((await read).toString()).toBe('before');
  });

  it('end at once where the source was gone before it came', async () => {
    const source = new PassThrough();
    source.destroy();
    await tick();
    const output = new OutputStream('stdout', () => {});
    output.attach(source);
    expect((await buffer(output.claim())).length).toBe(0);
  });

  it('stop the source when the reader goes away, as with any pipe', async () => {
    const { output, source } = attached();
    output.claim().destroy();
    await tick();
    expect(source.destroyed).toBe(true);
    const early = new OutputStream('stdout', () => {});
    early.claim().destroy();
    const late = new PassThrough();
    early.attach(late);
    expect(late.destroyed).toBe(true);
  });
});

describe('the tail', () => {
  it('is the last 64 KiB, whoever reads and however the bytes came', () => {
    fc.assert(
      fc.property(chunks, fc.boolean(), (pieces, claimed) => {
        const output = new OutputStream('stdout', () => {});
        const source = new Readable({ read() {} });
        output.attach(source);
        if (claimed) output.claim().resume();
        for (const piece of pieces) source.emit('data', Buffer.from(piece));
        expect(output.tail.equals(Buffer.concat(pieces).subarray(-64 * 1024))).toBe(true);
        output.destroy();
      }),
      { numRuns: 50 },
    );
  });
});

describe('a tap', () => {
  it('sees what is still known and all that follows, and takes nothing away', async () => {
    const { output, source } = attached();
    source.write('before ');
    await tick();
    const seen: string[] = [];
    let ended = 0;
    const untap = output.tap({ onChunk: (chunk) => seen.push(chunk.toString()), onEnd: () => (ended += 1) });
    source.write('after ');
    await tick();
    untap();
    source.end('unseen');
    await tick();
    expect(seen.join('')).toBe('before after ');
    expect(ended).toBe(0);
    expect((await buffer(output.claim())).toString()).toBe('before after unseen');
  });

  it('on an output that has ended sees the rest and the end at once', async () => {
    const { output, source } = attached();
    source.end('all');
    output.release();
    await tick();
    const seen: string[] = [];
    output.tap({ onChunk: (chunk) => seen.push(chunk.toString()), onEnd: () => seen.push('end') });
    expect(seen).toEqual(['all', 'end']);
  });
});

describe('an output that was let go', () => {
  it('flows away, keeps its tail, and cannot be claimed any more', async () => {
    const { output, source } = attached();
    source.write(Buffer.alloc(3 * MIB));
    source.end('the end');
    output.release();
    await new Promise((resolve) => output.once('close', resolve));
    expect(output.tail.subarray(-7).toString()).toBe('the end');
    expect(() => output.claim()).toThrow(
      expect.objectContaining({ code: 'COMPANION_WRONG_STATE', message: expect.stringContaining('stdout') }),
    );
  });

  it('cannot be one that was claimed', async () => {
    const { output, source } = attached();
    output.claim();
    output.release();
    source.end('kept');
    expect((await buffer(output)).toString()).toBe('kept');
  });

  it('is let go by itself only when full, where nobody has to listen', async () => {
    const { output, source } = attached();
    output.releaseWhenFull();
    source.write(Buffer.alloc(MIB / 2));
    await tick();
    expect(() => output.claim()).not.toThrow();
    const unheard = attached();
    unheard.output.releaseWhenFull();
    unheard.source.end(Buffer.alloc(4 * MIB));
    await new Promise((resolve) => unheard.output.once('close', resolve));
    expect(() => unheard.output.claim()).toThrow();
  });
});

describe('an output that is full and not read', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    ['claimed before it was full', true],
    ['claimed after it was full', false],
  ])('is reported once after 10 s: %s', async (_what, first) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let reports = 0;
    const { output, source } = attached(() => (reports += 1));
    if (first) output.claim();
    source.write(Buffer.alloc(2 * MIB));
    await tick();
    if (!first) output.claim();
    await vi.advanceTimersByTimeAsync(9999);
    expect(reports).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(reports).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reports).toBe(1);
    output.destroy();
  });

  it('is not reported while somebody reads, unclaimed, or after it was destroyed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let reports = 0;
    const report = () => (reports += 1);
    const read = attached(report);
    read.output.claim().on('data', () => {});
    const unclaimed = attached(report);
    const destroyed = attached(report);
    destroyed.output.claim();
    for (const { source } of [read, unclaimed, destroyed]) source.write(Buffer.alloc(2 * MIB));
    await tick();
    destroyed.output.destroy();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reports).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    for (const { output } of [read, unclaimed]) output.destroy();
  });
});

describe('a pipe that a descendant holds after the process has ended', () => {
  afterEach(() => vi.useRealTimers());

  it('is cut once it was open, empty and being read for 100 ms', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { output, source } = attached();
    const read = buffer(output.claim());
    const finished = output.finishWhenIdle(100);
    source.write('one ');
    await vi.advanceTimersByTimeAsync(99);
    source.write('two');
    await vi.advanceTimersByTimeAsync(99);
    await tick();
    await tick();
    await tick();
    expect(source.destroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await finished;
    expect(source.destroyed).toBe(true);
    expect((await read).toString()).toBe('one two');
  });

  it('is not cut early because its reader comes while it waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { output, source } = attached();
    const finished = output.finishWhenIdle(100);
    await vi.advanceTimersByTimeAsync(10);
    const read = buffer(output.claim());
    for (let turn = 0; turn < 10; turn += 1) await tick();
    expect(source.destroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    await finished;
    await read;
  });

  it('is not cut while its reader is behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { output, source } = attached();
    source.write(Buffer.alloc(2 * MIB));
    output.claim();
    let finished = false;
    const finishing = output.finishWhenIdle(100).then(() => {
      finished = true;
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(finished).toBe(false);
    const read = buffer(output);
    for (let turn = 0; turn < 300 && !finished; turn += 1) {
      await tick();
      await vi.advanceTimersByTimeAsync(1);
    }
    await finishing;
    expect((await read).length).toBe(2 * MIB);
  });

  it('is not cut before what is still on its way has come', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { output, source } = attached();
    const read = buffer(output.claim());
    let looks = 0;
    // The connection stalls for longer than that, twice.
    const finished = output.finishWhenIdle(100, async () => {
      looks += 1;
      if (looks <= 2) source.write(`piece ${looks} `);
    });
    for (let time = 0; time < 5; time += 1) {
      await vi.advanceTimersByTimeAsync(100);
      for (let turn = 0; turn < 5; turn += 1) await tick();
    }
    await finished;
    expect((await read).toString()).toBe('piece 1 piece 2 ');
  });

  it('is cut all the same where nobody can say any more what is on its way', async () => {
    const { output, source } = attached();
    output.claim().resume();
    await output.finishWhenIdle(1, () => Promise.reject(new Error('the connection is gone')));
    expect(source.destroyed).toBe(true);
  });

  it('that ends by itself is not waited for', async () => {
    const { output, source } = attached();
    output.claim().resume();
    source.end();
    await output.finishWhenIdle(3_600_000);
    expect(source.readableEnded).toBe(true);
  });
});
