import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, linesOf } from '../../src/process/lines.js';

/** The text in pieces that respect neither lines nor characters. */
function cut(text: string, sizes: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(start, start + size));
    start += size;
  }
  chunks.push(bytes.subarray(start));
  return chunks;
}

function split(chunks: readonly Buffer[], splitter = LineSplitter.strict()): string[] {
  return [...chunks.flatMap((chunk) => [...splitter.push(chunk)]), ...splitter.end()];
}

const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\r\n\u{d800}-\u{dfff}]/gu, ''));
const sizes = fc.array(fc.integer({ min: 0, max: 7 }));

describe('LineSplitter', () => {
  it('gives the same lines however the bytes were cut, also within a character or a CRLF', () => {
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), sizes, (lines, lineBreak, at) => {
        const text = lines.map((item) => item + lineBreak).join('');
        expect(split(cut(text, at))).toEqual(lines);
      }),
    );
  });

  it('gives a last line without a line break, and no empty one after the last break', () => {
    fc.assert(
      fc.property(
        fc.array(line),
        line.filter((item) => item !== ''),
        sizes,
        (lines, last, at) => {
          expect(split(cut([...lines, last].join('\n'), at))).toEqual([...lines, last]);
        },
      ),
    );
    expect(split([Buffer.from('a\n')])).toEqual(['a']);
    expect(split([])).toEqual([]);
  });

  it('keeps empty lines and carriage returns that are not part of a line break', () => {
    expect(split([Buffer.from('\n\na\rb\n\r\n')])).toEqual(['', '', 'a\rb', '']);
  });

  it('cuts lines of more than 1 MiB where nobody could be told, and loses nothing of them', () => {
    const long = 'x'.repeat(5_000_000);
    const chunks = cut(
      `${long}\nshort\n`,
      Array.from({ length: 100 }, () => 65_536),
    );
    const lines = split(chunks, LineSplitter.cutting());
    expect(lines.at(-1)).toBe('short');
    expect(lines.slice(0, -1).join('')).toBe(long);
    expect(Math.max(...lines.map((item) => item.length))).toBeLessThan(1_200_000);
    expect(split(chunks)).toEqual([long, 'short']);
  });

  it('replaces bytes that are no UTF-8 instead of failing', () => {
    expect(split([Buffer.from([0x61, 0xff, 0x62, 0x0a])])).toEqual(['a\u{fffd}b']);
  });
});

describe('linesOf()', () => {
  it('ends its stream when the reader leaves early', async () => {
    const stream = new PassThrough();
    stream.write('one\ntwo\n');
    for await (const first of linesOf(stream)) {
      expect(first).toBe('one');
      break;
    }
    expect(stream.destroyed).toBe(true);
  });
});
