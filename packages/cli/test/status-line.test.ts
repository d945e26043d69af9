import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { StartProgress, StatusLine } from '../src/status-line.js';

/** What stands on the line after each event of a pull. */
function draw(
  events: readonly (readonly [layer: string, status: string, bytes?: number, totalBytes?: number])[],
) {
  let drawn = '';
  const sink = Object.assign(
    new Writable({
      write: (chunk, _encoding, done) => {
        drawn = String(chunk);
        done();
      },
    }),
    { isTTY: true, columns: 80 },
  );
  const progress = new StartProgress(new StatusLine(sink));
  const image = { topic: 'image', reference: 'tool:1' } as const;
  progress.take({ ...image, type: 'pulling' });
  const lines = events.map(([layer, status, bytes, totalBytes]) => {
    progress.take({
      ...{ ...image, type: 'progress', layer, status },
      ...(bytes === undefined ? {} : { bytes }),
      ...(totalBytes === undefined ? {} : { totalBytes }),
    });
    return drawn.replace('\r\x1b[Kpulling tool:1', '');
  });
  progress.take({ ...image, type: 'pulled', durationMs: 1 });
  expect(drawn).toBe('\r\x1b[K');
  return lines;
}

test('bytes only grow, although unpacking counts from the start again', () => {
  const lines = draw([
    ['a', 'Downloading', 1e6, 4e6],
    ['b', 'Downloading', 1e6, 2e6],
    ['a', 'Download complete'],
    ['a', 'Extracting', 5e5, 4e6],
    ['b', 'Downloading', 2e6, 2e6],
    ['b', 'Pull complete'],
    ['a', 'Pull complete'],
  ]);
  expect(lines).toEqual([
    ': 1.0 of 4.0 MB',
    ': 2.0 of 6.0 MB',
    ': 5.0 of 6.0 MB',
    ': 5.0 of 6.0 MB',
    ': 6.0 MB, unpacking',
    ': 6.0 MB, unpacking',
    ': 6.0 MB',
  ]);
});

test('what a start is busy with is drawn until something else happens', () => {
  let drawn = '';
  const sink = Object.assign(
    new Writable({
      write: (chunk, _encoding, done) => {
        drawn += chunk;
        done();
      },
    }),
    { isTTY: true, columns: 20 },
  );
  const progress = new StartProgress(new StatusLine(sink));
  progress.take({ topic: 'environment', type: 'busy', message: 'building something-with-a-name' });
  progress.take({ topic: 'environment', type: 'started', durationMs: 1 });
  expect(drawn).toBe('\r\x1b[Kbuilding something-\r\x1b[K');
});

test('what remains is told once all bytes are there', () => {
  const lines = draw([
    ['a', 'Downloading', 4e6, 4e6],
    ['a', 'Extracting', 1e6, 4e6],
  ]);
  expect(lines).toEqual([': 4.0 MB, unpacking', ': 4.0 MB, unpacking']);
});

test('layers are counted where an engine tells no bytes', () => {
  const lines = draw([
    ['a', 'Pulling fs layer'],
    ['b', 'Already exists'],
    ['a', 'Download complete'],
  ]);
  expect(lines).toEqual([': 0 of 1 layers', ': 1 of 2 layers', ': 2 of 2 layers']);
});
