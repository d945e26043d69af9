import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';

/** What images need of an engine. */
export interface ImageEngine {
  readonly docker: Dockerode;
  readonly kind: 'docker' | 'podman';
  /** The architecture of its machine. */
  readonly arch: string;
  readonly endpoint: { readonly address: string };
}

/** One request of the Engine API, in the words of docker-modem. */
export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Ends in `?` where there are `options`. */
  readonly path: string;
  /** The query. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Sent as X-Registry-Auth: URL-safe base64 with padding, as Go reads it. */
  readonly authconfig?: object | undefined;
  /** Sent as X-Registry-Config. */
  readonly registryconfig?: object | undefined;
  readonly file?: Readable;
}

/** An engine's refusal: the HTTP status and its own words. */
export interface EngineFailure extends Error {
  readonly statusCode?: number;
  readonly code?: string;
}

/**
 * Asks for JSON. Through the modem, because dockerode's own `inspect()` of an image can neither name a platform nor be
 * aborted. Rejects with the signal's reason, or with the engine's failure.
 */
export function askEngine<Answer>(
  engine: ImageEngine,
  request: EngineRequest,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  return dial<Answer>(engine, { ...request, statusCodes: { 200: true, 201: true } }, signal);
}

/** The same for an answer that is a stream. Aborting destroys the connection, which is how an engine is told. */
export function streamFromEngine(
  engine: ImageEngine,
  request: EngineRequest,
  signal: AbortSignal | undefined,
): Promise<Readable> {
  return dial<Readable>(engine, { ...request, isStream: true, statusCodes: { 200: true } }, signal);
}

function dial<Answer>(
  engine: ImageEngine,
  request: EngineRequest & { readonly isStream?: boolean; readonly statusCodes: Record<number, boolean> },
  signal: AbortSignal | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    // The modem calls back for nobody when the connection goes while it reads the body.
    const giveUp = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', giveUp, { once: true });
    engine.docker.modem.dial(
      { ...request, options: { ...request.options }, ...(signal !== undefined && { abortSignal: signal }) },
      (error: unknown, answer: unknown) => {
        signal?.removeEventListener('abort', giveUp);
        if (error) reject(signal?.aborted ? signal.reason : error);
        else resolve(answer as Answer);
      },
    );
  });
}

/** The engine's words without what dockerode puts around them. */
export function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^\(HTTP code \d+\) [\w ]+ - /, '').trim();
}
