import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder, type FrameHandler } from '../src/frame-decoder.js';
import { MAX_PAYLOAD_BYTES, ProtocolError } from '../src/protocol.js';
import { frame, numbers, say } from './frames.js';

type Heard = readonly unknown[];

/** What a decoder hands over, pieces of output put together again. */
function listener(): { handler: FrameHandler; heard: Heard[] } {
  const heard: Heard[] = [];
  const note = (...words: Heard): void => {
    heard.push(words);
  };
  const onOutput = (id: number, stream: number, piece: Buffer): void => {
    const last = heard.at(-1);
    if (last?.[0] === 'output' && last[1] === id && last[2] === stream) {
      heard[heard.length - 1] = ['output', id, stream, `${last[3]}${piece.toString('latin1')}`];
    } else note('output', id, stream, piece.toString('latin1'));
  };
  const handler = {
    onStarted: note.bind(null, 'started'),
    onFailed: note.bind(null, 'failed'),
    onOutput,
    onOutputEnd: note.bind(null, 'outputEnd'),
    onExit: note.bind(null, 'exit'),
    onCredit: note.bind(null, 'credit'),
    onReply: (request: number, errno: number, answer: Buffer) =>
      note('reply', request, errno, answer.toString('latin1')),
    onGone: note.bind(null, 'gone'),
    onError: note.bind(null, 'error'),
  };
  return { handler, heard };
}

function decode(chunks: readonly Buffer[]): Heard[] {
  const { handler, heard } = listener();
  const decoder = new FrameDecoder(handler);
  for (const chunk of chunks) decoder.write(chunk);
  return heard;
}

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let offset = 0;
  for (let index = 0; offset < bytes.length; index++) {
    const end = offset + (lengths[index % lengths.length] ?? bytes.length);
    chunks.push(bytes.subarray(offset, end));
    offset = end;
  }
  return chunks;
}

const u8 = fc.integer({ min: 0, max: 0xff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const stream = fc.constantFrom(1, 2);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

/** A frame, with what a client has to hear of it. */
const spoken: fc.Arbitrary<readonly [Buffer, Heard]> = fc.oneof(
  fc.tuple(u32, u32).map(([id, pid]) => [say.started(id, pid), ['started', id, pid]] as const),
  fc
    .tuple(u32, u8, u8, u32)
    .map(
      ([id, phase, detail, errno]) =>
        [say.failed(id, phase, detail, errno), ['failed', id, phase, detail, errno]] as const,
    ),
  fc
    .tuple(u32, stream, bytes)
    .map(
      ([id, output, data]) =>
        [say.output(id, output, data), ['output', id, output, data.toString('latin1')]] as const,
    ),
  fc
    .tuple(u32, stream)
    .map(([id, output]) => [say.outputEnd(id, output), ['outputEnd', id, output]] as const),
  fc.tuple(u32, fc.integer({ min: 0, max: 2 }), u8, fc.constantFrom(0, 1)).map(([id, how, number, flags]) => {
    const usage = { userMicroseconds: 1, systemMicroseconds: 2, maxResidentBytes: 3 };
    return [
      say.exit(id, how, number, flags),
      ['exit', id, { how, number, outOfMemory: flags === 1, usage }],
    ] as const;
  }),
  fc.tuple(u32, u32).map(([id, more]) => [say.credit(id, more), ['credit', id, more]] as const),
  fc
    .tuple(u32, u32, bytes)
    .map(
      ([request, errno, answer]) =>
        [say.reply(request, errno, answer), ['reply', request, errno, answer.toString('latin1')]] as const,
    ),
  fc
    .tuple(u32, fc.option(u32, { nil: undefined }))
    .map(([id, errno]) => [say.gone(id, errno), ['gone', id, errno ?? 0]] as const),
  fc.string({ unit: 'binary' }).map((sentence) => [say.error(sentence), ['error', sentence]] as const),
);

/** What is to be heard of output in a row: one piece; of none: nothing. */
function joined(heard: readonly Heard[]): Heard[] {
  const { handler, heard: result } = listener();
  for (const words of heard) {
    if (words[0] !== 'output') result.push(words);
    else if (words[3] !== '') {
      handler.onOutput(words[1] as number, words[2] as number, Buffer.from(words[3] as string, 'latin1'));
    }
  }
  return result;
}

describe('the decoder', () => {
  it('hears the same however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(spoken, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
        (said, lengths) => {
          const all = Buffer.concat(said.map(([spokenBytes]) => spokenBytes));
          const expected = joined(said.map(([, heard]) => heard));
          expect(decode(cut(all, lengths))).toEqual(expected);
          expect(decode([all])).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('throws nothing but a protocol error, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
        try {
          decode(chunks.map((chunk) => Buffer.from(chunk)));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('throws nothing but a protocol error when a byte of real frames is another', () => {
    const position = fc.nat({ max: 10_000 });
    fc.assert(
      fc.property(fc.array(spoken, { minLength: 1, maxLength: 6 }), position, u8, (said, at, value) => {
        const all = Buffer.concat(said.map(([spokenBytes]) => spokenBytes));
        all[at % all.length] = value;
        try {
          decode(cut(all, [7]));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('does not copy output, nor wait for the rest of its frame', () => {
    const { handler, heard } = listener();
    const pieces: Buffer[] = [];
    const decoder = new FrameDecoder({ ...handler, onOutput: (_id, _stream, piece) => pieces.push(piece) });
    const all = say.output(3, 1, Buffer.alloc(1000, 'x'));
    const first = Buffer.from(all.subarray(0, 500));
    decoder.write(first);
    expect(pieces.map(({ length }) => length)).toEqual([490]);
    expect(pieces[0]?.buffer).toBe(first.buffer);
    expect(decoder.atBoundary).toBe(false);
    decoder.write(all.subarray(500));
    expect(pieces.map(({ length }) => length)).toEqual([490, 510]);
    expect(decoder.atBoundary).toBe(true);
    expect(heard).toEqual([]);
  });

  it.each([
    ['a length below that of a header', numbers(4, 0, 0).subarray(0, 9)],
    [
      'a frame longer than frames are',
      Buffer.concat([numbers(MAX_PAYLOAD_BYTES + 6), Buffer.from([132, 1, 0, 0, 0])]),
    ],
    ['a length of 4 GiB', Buffer.concat([numbers(0xffff_ffff), Buffer.from([136, 1, 0, 0, 0])])],
    ['a type that does not exist', frame(139, 1)],
    ["a frame of the client's", frame(1, 0, numbers(1))],
    ['a second HELLO', say.hello()],
    ['STARTED without its pid', frame(130, 1, Buffer.alloc(3))],
    ['output without its stream', frame(132, 1)],
    ['output of stream 3', say.output(1, 3, 'x')],
    ['the end of stream 0', say.outputEnd(1, 0)],
    ['EXIT of kind 3', say.exit(1, 3, 0)],
    ['GONE with half an errno', frame(137, 1, Buffer.alloc(2))],
    ['REPLY without a verdict', frame(136, 0, numbers(1))],
  ])('refuses %s', (_what, wrong) => {
    expect(() => decode([wrong])).toThrow(ProtocolError);
  });

  it('takes the longest frame', () => {
    const data = 'y'.repeat(MAX_PAYLOAD_BYTES - 1);
    expect(decode(cut(say.output(1, 2, data), [65_536]))).toEqual([['output', 1, 2, data]]);
  });
});
