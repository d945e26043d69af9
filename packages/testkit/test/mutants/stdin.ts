import { PassThrough, Writable } from 'node:stream';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** Faults in what a process reads. */
export const stdinMutants: readonly Mutant[] = [
  {
    id: 'stdin/eats-half-close',
    breaks: 'After end-of-file output goes on: it ends together with the input.',
    failedBy: ['stdin.half-close'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdin, stdout }) => {
          const output = new PassThrough();
          stdout.pipe(output);
          stdin?.once('finish', () => output.end());
          output.on('error', () => {});
          return { stdout: output };
        },
      }),
  },
  {
    id: 'stdin/drops-after-64-kib',
    breaks: 'All input arrives: what comes after 64 KiB is dropped.',
    failedBy: ['stdin.hundred-megabyte-echo'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdin }) => {
          if (stdin === null) return {};
          let taken = 0;
          const short = new Writable({
            write: (chunk: Buffer, _encoding, callback) => {
              const room = Math.max(0, 65_536 - taken);
              taken += chunk.length;
              if (room === 0) callback();
              else stdin.write(chunk.subarray(0, room), callback);
            },
            final: (callback) => void stdin.end(callback),
          });
          stdin.on('error', (error) => short.destroy(error));
          return { stdin: short };
        },
      }),
  },
  {
    id: 'stdin/never-ends',
    breaks: 'Without input there is end-of-file at once: the process gets an open pipe instead.',
    failedBy: ['stdin.end-of-file-by-default'],
    backend: (real) =>
      wrap(real, {
        command: (command) => (command.stdin === 'ignore' ? { ...command, stdin: 'pipe' } : command),
        process: () => ({ stdin: null }),
      }),
  },
  {
    id: 'stdin/waits-for-the-end',
    breaks: 'Input arrives while the pipe is open: it is delivered when the pipe is ended.',
    failedBy: ['stdin.conversation'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdin }) => {
          if (stdin === null) return {};
          const chunks: Buffer[] = [];
          const held = new Writable({
            write: (chunk: Buffer, _encoding, callback) => {
              chunks.push(chunk);
              callback();
            },
            final: (callback) => void stdin.end(Buffer.concat(chunks), callback),
          });
          stdin.on('error', () => {});
          return { stdin: held };
        },
      }),
  },
  {
    id: 'stdin/no-back-pressure',
    breaks: 'A process that does not read slows its writer down: input is taken into memory.',
    failedBy: ['stdin.back-pressure'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdin }) => {
          if (stdin === null) return {};
          const memory = new PassThrough({ highWaterMark: 1024 * 1024 * 1024 });
          stdin.on('error', () => {});
          memory.pipe(stdin);
          return { stdin: memory };
        },
      }),
  },
  {
    id: 'stdin/broken-pipe-is-the-end',
    breaks: 'A process that ignores its input has a verdict: a broken pipe is taken for its loss.',
    failedBy: ['stdin.ignored-input'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdin, exited }) => {
          if (stdin === null) return {};
          const broken = new Promise<never>((_, reject) => stdin.once('error', reject));
          // The verdict waits a moment for what its input has to say.
          const verdict = exited.then(
            (exit) => new Promise<typeof exit>((resolve) => setTimeout(resolve, 100, exit)),
          );
          return { exited: Promise.race([verdict, broken]) };
        },
      }),
  },
  {
    id: 'stdin/closes-late',
    breaks: 'Ending the pipe is end-of-file: the process never sees it.',
    failedBy: ['stdin.half-close', 'stdin.input'],
    backend: (real) =>
      wrap(real, {
        process: ({ stdin }) => {
          if (stdin === null) return {};
          const open = new Writable({
            write: (chunk: Buffer, _encoding, callback) => void stdin.write(chunk, callback),
          });
          stdin.on('error', (error) => open.destroy(error));
          return { stdin: open };
        },
      }),
  },
];
