import type { Readable, Writable } from 'node:stream';

interface Sink {
  readonly sources: Set<Readable>;
  readonly wake: () => void;
  readonly close: () => void;
}

/** One set of listeners per sink: hundreds of processes may write to one terminal. */
const sinks = new WeakMap<Writable, Sink>();

/**
 * Writes everything of `source` to `sink`, at the sink's pace, and leaves the sink open. When the sink ends or closes, the
 * source is destroyed: as with any pipe whose reader goes away.
 */
export function pour(source: Readable, sink: Writable): void {
  const entry = sinks.get(sink) ?? newSink(sink);
  entry.sources.add(source);
  source.on('data', (chunk: Buffer) => {
    if (sink.writableEnded || sink.destroyed) source.destroy();
    else if (!sink.write(chunk)) source.pause();
  });
  source.once('close', () => {
    entry.sources.delete(source);
    if (entry.sources.size > 0) return;
    sink.off('drain', entry.wake).off('finish', entry.close).off('close', entry.close);
    sinks.delete(sink);
  });
}

function newSink(sink: Writable): Sink {
  const sources = new Set<Readable>();
  const entry: Sink = {
    sources,
    wake: () => {
      for (const source of sources) source.resume();
    },
    close: () => {
      for (const source of sources) source.destroy();
    },
  };
  sinks.set(sink, entry);
  sink.on('drain', entry.wake).on('finish', entry.close).on('close', entry.close);
  return entry;
}
