import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputStream } from '../../src/process/input-stream.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what is written to a process', () => {
  it('arrives whole and in order, written before or after the process has started', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 10 }),
        fc.nat(),
        async (chunks, position) => {
          const stdin = new InputStream();
          const sink = new PassThrough();
          const read = buffer(sink);
          for (const [index, chunk] of chunks.entries()) {
            if (index === position % chunks.length) stdin.attach(sink);
            stdin.write(chunk);
          }
          if (chunks.length === 0) stdin.attach(sink);
          stdin.end();
          expect((await read).equals(Buffer.concat(chunks))).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('may be text in any encoding', async () => {
    const [stdin, sink] = [new InputStream(), new PassThrough()];
    stdin.attach(sink);
    stdin.write('ä');
    stdin.end('e4', 'hex');
    expect([...(await buffer(sink))]).toEqual([0xc3, 0xa4, 0xe4]);
  });

  it('waits for a process that does not read', async () => {
    const stdin = new InputStream();
    const sink = new Writable({ write() {} });
    stdin.attach(sink);
    let accepted = 0;
    while (stdin.write(Buffer.alloc(16_384)) && accepted < 100) accepted += 1;
    expect(accepted).toBeLessThan(10);
    stdin.detach();
  });

  it('waits for a process that has not started', () => {
    const stdin = new InputStream();
    let accepted = 0;
    while (stdin.write(Buffer.alloc(16_384)) && accepted < 100) accepted += 1;
    expect(accepted).toBeLessThan(10);
  });
});

describe('a process that has gone', () => {
  it('lets everything disappear quietly, what waits and what comes', async () => {
    const stdin = new InputStream();
    stdin.attach(new Writable({ write() {} }));
    for (let index = 0; index < 10; index += 1) stdin.write(Buffer.alloc(16_384));
    stdin.detach();
    stdin.end('more');
    await once(stdin, 'finish');
    expect(stdin.errored).toBeNull();
  });

  it.each(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'])('is no error of the writer: %s', async (code) => {
    const stdin = new InputStream();
    const sink = new Writable({
      write: (_chunk, _encoding, callback) => callback(Object.assign(new Error(code), { code })),
    });
    stdin.attach(sink);
    stdin.write('a');
    await tick();
    stdin.end('b');
    await once(stdin, 'finish');
    expect(stdin.errored).toBeNull();
  });

  it('may have closed its input before it was attached', async () => {
    const stdin = new InputStream();
    const sink = new PassThrough();
    sink.destroy();
    await once(sink, 'close');
    stdin.attach(sink);
    stdin.end('a');
    await once(stdin, 'finish');
  });
});

describe('end of file', () => {
  it('comes through, and leaves the rest of the process alone', async () => {
    const [stdin, sink] = [new InputStream(), new PassThrough()];
    stdin.attach(sink);
    stdin.end();
    sink.resume();
    await once(sink, 'end');
  });

  it.each([
    ['after', false, false],
    ['before', true, false],
    ['before, with something written,', true, true],
  ])('comes when the stream is destroyed %s the process has started', async (_what, before, written) => {
    const [stdin, sink] = [new InputStream(), new PassThrough()];
    if (!before) stdin.attach(sink);
    if (written) stdin.write('lost');
    stdin.destroy();
    await once(stdin, 'close');
    if (before) stdin.attach(sink);
    sink.resume();
    await once(sink, 'end');
  });
});
