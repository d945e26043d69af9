import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const CHUNK_BYTES = 256 * 1024;
const PAUSE_MS = 150;

/** Serves the files of a directory over HTTP, so slowly that one can watch. */
export async function slowServer(
  directory: string,
): Promise<{ readonly address: string; [Symbol.asyncDispose](): Promise<void> }> {
  const serve = async ({ url = '', method }: IncomingMessage, response: ServerResponse): Promise<void> => {
    const content = await readFile(join(directory, new URL(url, 'http://server').pathname)).catch(
      () => undefined,
    );
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': content.length });
    for (let from = 0; method !== 'HEAD' && from < content.length; from += CHUNK_BYTES) {
      if (from > 0) await setTimeout(PAUSE_MS);
      response.write(content.subarray(from, from + CHUNK_BYTES));
    }
    response.end();
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: Error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
