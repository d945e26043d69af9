import { PassThrough, type Readable, Transform, type TransformCallback } from 'node:stream';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** Output that passes through here; what it does at the end goes out before the end. */
function through(
  source: Readable,
  transform: (chunk: Buffer) => Buffer | undefined,
  flush: () => Buffer | undefined = () => undefined,
): Readable {
  const answer = (callback: TransformCallback, bytes: Buffer | undefined): void =>
    bytes === undefined || bytes.length === 0 ? callback() : callback(null, bytes);
  const changed = new Transform({
    transform: (chunk: Buffer, _encoding, callback) => answer(callback, transform(chunk)),
    flush: (callback) => answer(callback, flush()),
  });
  source.on('error', (error) => changed.destroy(error));
  changed.on('close', () => source.destroy());
  return source.pipe(changed);
}

function ended(): Readable {
  const empty = new PassThrough();
  empty.end();
  return empty;
}

/** Faults in what a process says. */
export const streamsMutants: readonly Mutant[] = [
  {
    id: 'streams/drops-last-chunk',
    breaks: 'The last bytes are read: it forgets the last chunk of each stream.',
    failedBy: [
      'streams.last-bytes',
      'streams.late-reader',
      'streams.no-final-newline',
      'streams.with-output',
      'ports.line-takes-nothing',
      'ports.process-died',
    ],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout, stderr }) => {
          const withoutLast = (source: Readable): Readable => {
            let held: Buffer | undefined;
            return through(source, (chunk) => {
              const before = held;
              held = chunk;
              return before;
            });
          };
          return { stdout: withoutLast(stdout), stderr: withoutLast(stderr) };
        },
      }),
  },
  {
    id: 'streams/drops-first-bytes',
    breaks: 'Output is held from the first byte on: what comes before somebody listens is lost.',
    failedBy: ['streams.late-reader', 'streams.hundred-megabytes'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout }) => {
          let isFirst = true;
          const drop = (chunk: Buffer): Buffer => {
            const kept = isFirst ? chunk.subarray(1) : chunk;
            isFirst = false;
            return kept;
          };
          return { stdout: through(stdout, drop) };
        },
      }),
  },
  {
    id: 'streams/merges-stderr',
    breaks: 'stdout and stderr are separate: everything comes on stdout.',
    failedBy: ['streams.separate', 'streams.last-bytes', 'streams.all-byte-values', 'streams.late-reader'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout, stderr }) => {
          const merged = new PassThrough();
          let open = 2;
          for (const source of [stdout, stderr]) {
            source.pipe(merged, { end: false });
            source.once('close', () => {
              open -= 1;
              if (open === 0) merged.end();
            });
            merged.on('close', () => source.destroy());
          }
          return { stdout: merged, stderr: ended() };
        },
      }),
  },
  {
    id: 'streams/swaps',
    breaks: 'stdout and stderr are told apart: each comes on the other.',
    failedBy: [
      'streams.separate',
      'streams.late-reader',
      'exit-status.failure-rejects',
      'ports.line-already-printed',
      'ports.line-pattern',
    ],
    backend: (real) => wrap(real, { process: ({ stdout, stderr }) => ({ stdout: stderr, stderr: stdout }) }),
  },
  {
    id: 'streams/decodes-chunks',
    breaks: 'Output is bytes: each chunk is decoded as UTF-8 by itself.',
    failedBy: ['streams.split-character', 'streams.all-byte-values'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout }) => ({
          stdout: through(stdout, (chunk) => Buffer.from(chunk.toString('utf8'))),
        }),
      }),
  },
  {
    id: 'streams/adds-newline',
    breaks: 'Nothing is added to output: it ends with a line break.',
    failedBy: ['streams.no-final-newline', 'streams.all-byte-values', 'streams.last-bytes'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout }) => {
          let last: number | undefined;
          const see = (chunk: Buffer): Buffer => {
            last = chunk.at(-1);
            return chunk;
          };
          const add = (): Buffer | undefined =>
            last === undefined || last === 10 ? undefined : Buffer.from('\n');
          return { stdout: through(stdout, see, add) };
        },
      }),
  },
  {
    id: 'streams/unix-line-breaks',
    breaks: 'Output is bytes: CRLF becomes LF.',
    failedBy: ['streams.line-breaks'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout }) => ({
          stdout: through(stdout, (chunk) =>
            Buffer.from(chunk.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
          ),
        }),
      }),
  },
  {
    id: 'streams/wraps-lines',
    breaks: 'A line is as long as it is: it breaks lines after a million bytes.',
    failedBy: ['streams.long-line'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout }) => {
          let column = 0;
          const breakLines = (chunk: Buffer): Buffer => {
            const lineBreak = chunk.lastIndexOf(10);
            column = lineBreak === -1 ? column + chunk.length : chunk.length - lineBreak;
            if (column < 1_000_000) return chunk;
            column = 0;
            return Buffer.concat([chunk, Buffer.from('\n')]);
          };
          return { stdout: through(stdout, breakLines) };
        },
      }),
  },
  {
    id: 'streams/bounded-buffer',
    breaks: 'Every byte arrives: beyond 50 MB the oldest are overwritten.',
    failedBy: ['streams.hundred-megabytes', 'streams.back-pressure'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout }) => {
          let seen = 0;
          return {
            stdout: through(stdout, (chunk) => {
              seen += chunk.length;
              return seen > 50_000_000 && seen < 51_000_000 ? undefined : chunk;
            }),
          };
        },
      }),
  },
  {
    id: 'streams/no-back-pressure',
    breaks: 'A slow reader slows the process down: it reads everything into memory.',
    failedBy: ['streams.back-pressure'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout }) => {
          const memory = new PassThrough({ highWaterMark: 1024 * 1024 * 1024 });
          memory.on('close', () => stdout.destroy());
          return { stdout: stdout.pipe(memory) };
        },
      }),
  },
  {
    id: 'streams/cuts-at-exit',
    breaks: 'Streams end when the last holder closes them: they are cut at the exit of the process.',
    failedBy: ['streams.spawn-stays-open'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout, exited }) => {
          const cut = new PassThrough();
          const end = (): void => void setTimeout(() => cut.end(), 20);
          stdout.pipe(cut, { end: false });
          stdout.once('close', () => cut.end());
          exited.then(end, end);
          cut.on('close', () => stdout.destroy());
          return { stdout: cut };
        },
      }),
  },
  {
    id: 'streams/keeps-pipe-of-reader-gone',
    breaks: 'A reader that goes away is passed on: the pipe of the process stays open and is emptied.',
    failedBy: ['streams.destroyed-reader'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdout }) => {
          const detached = new PassThrough();
          stdout.pipe(detached);
          detached.on('close', () => stdout.unpipe(detached).resume());
          return { stdout: detached };
        },
      }),
  },
];
