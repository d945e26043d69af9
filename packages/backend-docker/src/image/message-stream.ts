import { addAbortSignal, type Readable } from 'node:stream';

/** One line of the streams that `/images/create` and `/build` answer with; every member is the engine's choice. */
export interface EngineMessage {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  /** Output of a build. */
  readonly stream?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
  /** Text is BuildKit's, under the id `moby.buildkit.trace`. */
  readonly aux?: { readonly ID?: string } | string;
}

/** A line is a few hundred bytes; what is longer is not an engine's. */
const MAX_LINE_LENGTH = 1024 * 1024;

/**
 * Messages as they come. Throws for one that carries an error, which HTTP's status could not say any more
 * (docker-modem's `followProgress` resolves), for what is no message, and the signal's reason when aborted. The stream
 * is destroyed at the end.
 */
export async function* readMessages(
  stream: Readable,
  signal: AbortSignal | undefined,
): AsyncGenerator<EngineMessage> {
  if (signal !== undefined) addAbortSignal(signal, stream);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE_LENGTH) throw new Error('the engine sent a line of more than 1 MiB');
      for (const line of lines) yield* parseLine(line);
    }
    yield* parseLine(rest + decoder.decode());
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    stream.destroy();
  }
}

function* parseLine(line: string): Generator<EngineMessage> {
  const text = line.trim();
  if (text === '') return;
  const message = parseMessage(text);
  const failure = message.errorDetail?.message ?? message.error;
  if (failure !== undefined) throw new Error(failure);
  yield message;
}

function parseMessage(text: string): EngineMessage {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below, for whatever is no object.
  }
  throw new Error(`the engine sent ${JSON.stringify(text.slice(0, 80))} where a message was due`);
}
