import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, createServer as createSocketServer, type Server, type Socket } from 'node:net';

/** Listens on a socket, or on any free port of this machine; ends with `await using`, connections included. */
export async function listening(server: Server, path?: string) {
  const connections = new Set<Socket>();
  let made = 0;
  server.on('connection', (socket: Socket) => {
    made += 1;
    connections.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => connections.delete(socket));
  });
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  const address = server.address();
  return {
    /** Not a number where it is a socket. */
    port: typeof address === 'object' && address !== null ? address.port : Number.NaN,
    /** How many connections were made to it. */
    made: () => made,
    /** How many are open. */
    open: () => connections.size,
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A server that takes every connection and says nothing: an engine that hangs. */
export const silentPeer = (path: string) =>
  listening(
    createSocketServer((socket) => socket.resume()),
    path,
  );

/** A server that hangs up on everybody. */
export const rudePeer = (path: string) =>
  listening(
    createSocketServer((socket) => socket.destroy()),
    path,
  );

/** A server that speaks HTTP, and not quite as an engine of today. */
export const httpPeer = (path: string, answer: RequestListener) => listening(createServer(answer), path);

/** What the headers of an engine of that version are; other paths of the API are not found. */
export function engineOf(
  headers: Record<string, string>,
  objects: Record<string, object> = {},
): RequestListener {
  return (request, response) => {
    const { url = '' } = request;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const path = url.replace(/^\/v[\d.]+(?=\/)/, '');
    const version = /^\/v([\d.]+)\//.exec(url)?.[1];
    const { MinAPIVersion: minimum = '' } = (objects['/version'] ?? {}) as { MinAPIVersion?: string };
    if (version !== undefined && Number(version.slice(2)) < Number(minimum.slice(2))) {
      response.writeHead(400).end('{"message":"client version is too old"}');
    } else if (path === '/_ping') response.end('OK');
    else if (objects[path] !== undefined) response.end(JSON.stringify(objects[path]));
    else response.writeHead(404).end('{"message":"page not found"}');
  };
}

/** Pours what comes in to a socket, and back; either side may end first. */
export function onwardTo(path: string) {
  return (socket: Socket): void => {
    const onward = connect({ path, allowHalfOpen: true });
    socket.pipe(onward).pipe(socket);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('error', () => {});
      one.once('close', () => other.destroy());
    }
  };
}
