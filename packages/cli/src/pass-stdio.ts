import type { Readable, Writable } from 'node:stream';
import type { CompanionProcess } from '@companion/core';
import { type OutputSink, readerIsGone } from './standard-streams.js';

/** A command, and whether its descendants can be signalled, too. */
interface Haltable {
  readonly process: CompanionProcess;
  readonly tree: boolean;
}

/**
 * Hands every byte on, as fast as the sink takes them. Resolves once the source has ended and all of it was handed
 * over. When whoever reads the sink has gone, the source is closed: the command then meets the broken pipe itself, as
 * it would without us.
 */
export function passOutput(source: Readable, sink: OutputSink, command: Haltable): Promise<void> {
  return new Promise((resolve) => {
    // Other errors (a full disk) are told by main(), which watches its streams.
    const onError = (): void => void breakPipe(source, command);
    sink.once('error', onError);
    source.once('close', () => {
      sink.off('error', onError);
      resolve();
    });
    if (sink.destroyed) source.destroy();
    else source.pipe(sink, { end: false });
  });
}

/**
 * Node's pipes are socket pairs: one that is closed with bytes in it, or while its writer waits for room, gives an error
 * about which tools complain, where a pipe gives SIGPIPE, of which they end in silence. So the command is halted until
 * it is empty.
 */
async function breakPipe(source: Readable, { process, tree }: Haltable): Promise<void> {
  try {
    await process.signal('SIGSTOP', { tree });
    await quiet(source);
  } catch {
    // Where it cannot be halted it learns the other way.
  }
  source.destroy();
  // It has ended meanwhile, or could not be halted.
  await process.signal('SIGCONT', { tree }).catch(() => {});
}

/** A halted writer may still have been on its way: a loaded machine gives it its turn late. */
const QUIET_MS = 100;
const LONGEST_MS = 500;

/** Resolves once nothing has come for a while, or too much. */
function quiet(source: Readable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(idle);
      clearTimeout(longest);
      source.off('data', onData);
      source.off('close', done);
      resolve();
    };
    const idle = setTimeout(done, QUIET_MS);
    const longest = setTimeout(done, LONGEST_MS);
    const onData = (): void => void idle.refresh();
    source.on('data', onData);
    source.once('close', done);
  });
}

/** Hands every byte on until `stop` is called; the end of the source is the end of the sink. */
export function passInput(source: Readable, sink: Writable, onFailure: (error: Error) => void): () => void {
  source.on('error', (error) => {
    // A directory as standard input, a terminal that was closed: there is no more to come.
    if (!readerIsGone(error, { isTTY: true } as OutputSink)) onFailure(error);
    sink.end();
  });
  source.pipe(sink);
  return () => {
    source.unpipe(sink);
    source.destroy();
  };
}
