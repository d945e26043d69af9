import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';

/** Standard input, output and error of the command; others in tests. */
export interface StandardStreams {
  readonly stdinIsTerminal: boolean;
  /** Opened by whoever reads it: a child that inherits it must not share it with us. */
  openStdin(): InputSource;
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
}

type InputSource = Readable & { setRawMode?(raw: boolean): unknown };

/** Terminals tell their size. */
export type OutputSink = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** This process's own. */
export function standardStreams(): StandardStreams {
  return {
    stdinIsTerminal: isatty(0),
    openStdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  };
}

/** Resolves once everything written so far has left this process, or cannot any more. */
export function flushed(sink: OutputSink): Promise<void> {
  return new Promise((resolve) => {
    if (sink.destroyed || sink.writableLength === 0) resolve();
    else sink.write('', () => resolve());
  });
}

/** Whoever read what we write has gone away: for a shell tool that is no failure. */
export function readerIsGone(error: NodeJS.ErrnoException, sink: OutputSink): boolean {
  // A terminal that was closed answers EIO.
  return (
    error.code === 'EPIPE' || error.code === 'ECONNRESET' || (error.code === 'EIO' && sink.isTTY === true)
  );
}
