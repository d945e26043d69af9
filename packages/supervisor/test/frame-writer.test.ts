import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameWriter } from '../src/frame-writer.js';
import { SpawnFailure } from '../src/spawn-failure.js';
import { spawnPayload } from '../src/spawn-frame.js';
import { frame, numbers, parseFrames } from './frames.js';

/** Keeps what is written; takes it at once, or when it is told to. */
function sink(): { stream: Writable; written: Buffer[]; all: () => Buffer } {
  const written: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      written.push(Buffer.from(chunk));
      callback();
    },
  });
  return { stream, written, all: () => Buffer.concat(written) };
}

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u8 = fc.integer({ min: 0, max: 0xff });
const shorts = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value & 0xff, value >> 8]));

type Step = readonly [write: (writer: FrameWriter) => void, expected: Buffer];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>([(writer) => writer.hello(), frame(1, 0, shorts(1, 0))]),
  fc
    .tuple(u32, fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 4000, max: 65_536 })), u8)
    .map<Step>(([id, length, fill]) => {
      const bytes = Buffer.alloc(length, fill);
      return [(writer) => writer.stdin(id, bytes), frame(3, id, bytes)];
    }),
  u32.map<Step>((id) => [(writer) => writer.stdinEnd(id), frame(4, id)]),
  fc
    .tuple(u32, u8, u32)
    .map<Step>(([id, stream, more]) => [
      (writer) => writer.credit(id, stream, more),
      frame(5, id, Buffer.concat([Buffer.from([stream]), numbers(more)])),
    ]),
  fc
    .tuple(u32, u32, u8, u8)
    .map<Step>(([id, request, target, number]) => [
      (writer) => writer.signal(id, request, target, number),
      frame(6, id, Buffer.concat([numbers(request), Buffer.from([target, number])])),
    ]),
  fc
    .tuple(u32, u16, u16)
    .map<Step>(([id, columns, rows]) => [
      (writer) => writer.resize(id, columns, rows),
      frame(7, id, shorts(columns, rows)),
    ]),
  fc
    .tuple(u32, u16, u32)
    .map<Step>(([id, port, window]) => [
      (writer) => writer.connect(id, port, window),
      frame(8, id, Buffer.concat([shorts(port, 0), numbers(window)])),
    ]),
  fc
    .tuple(u32, u8)
    .map<Step>(([id, stream]) => [(writer) => writer.close(id, stream), frame(9, id, Buffer.from([stream]))]),
  fc
    .tuple(u32, u32)
    .map<Step>(([id, request]) => [(writer) => writer.list(id, request), frame(10, id, numbers(request))]),
  fc
    .tuple(u32, u16)
    .map<Step>(([request, port]) => [
      (writer) => writer.listening(request, port),
      frame(11, 0, Buffer.concat([numbers(request), shorts(port)])),
    ]),
  fc
    .tuple(u32, u32)
    .map<Step>(([request, ms]) => [
      (writer) => writer.endAll(request, ms),
      frame(12, 0, numbers(request, ms)),
    ]),
  u32.map<Step>((request) => [(writer) => writer.ping(request), frame(13, 0, numbers(request))]),
);

describe('the writer', () => {
  it('lays out what the protocol says, in the order of the calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 5 }), async (turns) => {
        const { stream, all } = sink();
        const writer = new FrameWriter(stream);
        for (const steps of turns) {
          for (const [write] of steps) write(writer);
          await Promise.resolve();
        }
        const expected = Buffer.concat(turns.flat().map(([, bytes]) => bytes));
        expect(all().equals(expected)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('writes the frames of one turn at once', async () => {
    const { stream, written } = sink();
    const writer = new FrameWriter(stream);
    writer.hello();
    for (let number = 0; number < 100; number++) writer.ping(number);
    expect(written).toEqual([]);
    await Promise.resolve();
    expect(written.length).toBe(1);
    expect(parseFrames(written[0]!).frames.length).toBe(101);
  });

  it('has nothing of a buffer that is used again', async () => {
    const { stream, all } = sink();
    const writer = new FrameWriter(stream);
    const buffers = [Buffer.alloc(10, 'a'), Buffer.alloc(50_000, 'b')];
    for (const buffer of buffers) {
      await new Promise<void>((resolve) => {
        writer.stdin(1, buffer, resolve);
      });
      buffer.fill('z');
    }
    await Promise.resolve();
    expect(all().includes('z')).toBe(false);
  });

  it('holds back what comes while it moves, and goes on over another stream', async () => {
    const left = sink();
    const taken = sink();
    const writer = new FrameWriter(left.stream);
    const token = Buffer.alloc(16, 9);
    writer.ping(1);
    writer.hold();
    writer.ping(2);
    writer.move(3, token, '/s');
    await Promise.resolve();
    const move = frame(14, 0, Buffer.concat([numbers(3), token, Buffer.from('/s\0')]));
    expect(left.all()).toEqual(Buffer.concat([frame(13, 0, numbers(1)), move]));
    writer.release(taken.stream);
    writer.ping(4);
    await Promise.resolve();
    expect(taken.all()).toEqual(Buffer.concat([frame(13, 0, numbers(2)), frame(13, 0, numbers(4))]));
    expect(left.written.length).toBe(2);
  });

  it('writes nothing after stop()', async () => {
    const { stream, written } = sink();
    const writer = new FrameWriter(stream);
    writer.ping(1);
    writer.stop();
    writer.ping(2);
    await Promise.resolve();
    expect(written).toEqual([]);
  });
});

describe('SPAWN', () => {
  const command = { file: 'tool', args: [], env: {}, cwd: '/', stdin: 'ignore' } as const;

  async function payloadOf(changes: Partial<Parameters<typeof spawnPayload>[0]>): Promise<Buffer> {
    const { stream, all } = sink();
    const writer = new FrameWriter(stream);
    const payload = spawnPayload({ ...command, ...changes });
    writer.spawn(5, payload);
    await Promise.resolve();
    const [found] = parseFrames(all()).frames;
    expect(found).toMatchObject({ type: 2, id: 5 });
    return found!.payload;
  }

  it('carries strings of every kind', async () => {
    const text = fc.string({ unit: 'grapheme' }).map((one) => one.replaceAll('\0', ''));
    await fc.assert(
      fc.asyncProperty(
        text.map((name) => `./${name}`),
        fc.array(text),
        fc.dictionary(text, text),
        text.map((name) => `/${name}`),
        async (file, args, env, cwd) => {
          const payload = await payloadOf({ file, args, env, cwd });
          const strings = [
            cwd,
            file,
            ...args,
            ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
          ];
          expect(payload.readUInt32LE(24)).toBe(1 + args.length);
          expect(payload.readUInt32LE(28)).toBe(Object.keys(env).length);
          expect(payload.subarray(32).equals(Buffer.from(strings.map((one) => `${one}\0`).join('')))).toBe(
            true,
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    [{}, 0],
    [{ stdin: 'pipe' as const }, 1],
    [{ tty: { columns: 80, rows: 24 } }, 3],
    [{ user: { uid: 1, gid: 2 } }, 4],
    [{ additiveEnv: true }, 8],
    [{ noRights: true }, 16],
    [{ user: { uid: 1, gid: 2, groups: [] } }, 4 + 32],
    [{ ownRights: true }, 64],
    [{ stdin: 'inherit' as const }, 1],
  ])('says %j in its flags', async (changes, flags) => {
    expect((await payloadOf(changes)).readUInt32LE(0)).toBe(flags);
  });

  it('has the size of a terminal, whose error output has no window, and the ids of a user', async () => {
    const payload = await payloadOf({
      tty: { columns: 80, rows: 24 },
      user: { uid: 1000, gid: 4_000_000_000 },
    });
    expect(payload.readUInt32LE(8)).toBe(0);
    expect([payload.readUInt16LE(12), payload.readUInt16LE(14)]).toEqual([80, 24]);
    expect([payload.readUInt32LE(16), payload.readUInt32LE(20)]).toEqual([1000, 4_000_000_000]);
  });

  it('has the groups of a user before its strings', async () => {
    const user = { uid: 1000, gid: 1000, groups: [7, 4_000_000_000] };
    const payload = await payloadOf({ user });
    expect(payload.subarray(32, 44)).toEqual(numbers(2, 7, 4_000_000_000));
    expect(payload.subarray(44).toString()).toBe('/\0tool\0');
    const wrong = { ...command, user: { ...user, groups: [-1] } };
    expect(() => spawnPayload(wrong)).toThrow('user.groups: expected a number');
  });

  it('refuses a zero byte, which would begin another argument', () => {
    expect(() => spawnPayload({ ...command, args: ['a\0b'] })).toThrow(TypeError);
    expect(() => spawnPayload({ ...command, env: { 'A\0': 'b' } })).toThrow(TypeError);
  });

  it('refuses numbers that it has no room for, before anything is laid out', () => {
    expect(() => spawnPayload({ ...command, user: { uid: -1, gid: 0 } })).toThrow(
      'user.uid: expected a number',
    );
    expect(() => spawnPayload({ ...command, user: { uid: 0, gid: 2 ** 32 } })).toThrow(RangeError);
    expect(() => spawnPayload({ ...command, tty: { columns: 1.5, rows: 1 } })).toThrow(RangeError);
  });

  it('does not fit beyond 8 MiB', () => {
    const fixed = 32 + '/\0tool\0\0'.length;
    const argument = 'x'.repeat(8 * 1024 * 1024 - fixed);
    expect(spawnPayload({ ...command, args: [argument] }).size).toBe(8 * 1024 * 1024);
    expect(() => spawnPayload({ ...command, args: [`${argument}x`] })).toThrow(SpawnFailure);
  });
});
