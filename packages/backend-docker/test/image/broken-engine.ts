import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompanionEvent } from '@companion/core/backend';
import Dockerode from 'dockerode';
import type { ImageEngine } from '../../src/image/engine-call.js';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What an engine says of an image that runs here. */
export const INSPECTION = {
  Id: `sha256:${'1'.repeat(64)}`,
  Os: 'linux',
  Architecture: 'amd64',
  Config: { Env: ['PATH=/bin', 'A=b=c', 'EMPTY='], User: '', Cmd: ['sh'], Entrypoint: null, WorkingDir: '' },
};

export const ABSENT: Answer = (_, response) => {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end('{"message":"No such image"}');
};

export const json =
  (value: unknown): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };

/** Messages as a pull sends them, and then the end. */
export const messages =
  (...lines: readonly (object | string)[]): Answer =>
  (_, response) => {
    response.writeHead(200);
    response.end(
      lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\r\n`).join(''),
    );
  };

/** A server that speaks the Engine API as badly as the test wants: `inspect`, `create` and the rest by their answers. */
export async function startBrokenEngine(answers: {
  inspect?: Answer;
  create?: Answer;
  build?: Answer;
}): Promise<ImageEngine & { requests: { url: string; auth: string | undefined }[] } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'companion-engine-'));
  const socketPath = join(directory, 'engine.sock');
  const requests: { url: string; auth: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    const auth = request.headers['x-registry-auth'];
    requests.push({ url, auth: typeof auth === 'string' ? auth : undefined });
    request.resume();
    const answer = url.startsWith('/images/create')
      ? answers.create
      : url.startsWith('/build')
        ? answers.build
        : answers.inspect;
    (answer ?? ABSENT)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    docker: new Dockerode({ socketPath }),
    kind: 'docker',
    arch: 'amd64',
    endpoint: { address: `unix://${socketPath}` },
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Events of one call, and what is passed to it. */
export function listen(signal?: AbortSignal): {
  events: CompanionEvent[];
  emit: (event: CompanionEvent) => void;
  signal: AbortSignal | undefined;
} {
  const events: CompanionEvent[] = [];
  return { events, emit: (event) => events.push(event), signal };
}

/** A promise and its ends. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((take) => {
    resolve = take;
  });
  return { promise, resolve };
}
