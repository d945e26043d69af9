import type { Duplex, Readable, Writable } from 'node:stream';

/** The two directions of a connection to a supervisor: of one duplex stream, or a child process's pipes. */
export interface StreamPair {
  readonly readable: Readable;
  readonly writable: Writable;
}

/** What {@link connectSupervisor} takes. */
export type SupervisorStream = Duplex | StreamPair;

export function streamPair(stream: SupervisorStream): StreamPair {
  // Every readable has a property of that name, too: a boolean.
  if (typeof stream.readable === 'object' && typeof stream.writable === 'object') {
    return { readable: stream.readable, writable: stream.writable };
  }
  const duplex = stream as Duplex;
  return { readable: duplex, writable: duplex };
}
