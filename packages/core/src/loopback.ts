import { connect, createServer, type Server, type Socket } from 'node:net';
import { CompanionError, messageOf } from './errors.js';

/** Nothing of ours is ever bound to, or reached at, another address. */
export const LOOPBACK = '127.0.0.1';

/** Rejects with `COMPANION_PORT_UNAVAILABLE`. Port 0 is any free one. */
export function listenOnLoopback(port: number, onConnection?: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, onConnection);
    server.once('error', (error: NodeJS.ErrnoException) => reject(unavailable(port, error)));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(server));
  });
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

export function connectToLoopback(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: LOOPBACK, allowHalfOpen: true, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      if (socket.localPort !== port) {
        resolve(socket);
        return;
      }
      // TCP can connect a socket to itself, where nobody listens and the kernel picks that very port for our end.
      socket.resetAndDestroy();
      reject(new Error(`port ${port} answered itself`));
    });
  });
}

function unavailable(port: number, error: NodeJS.ErrnoException): CompanionError {
  const why =
    error.code === 'EADDRINUSE'
      ? 'is in use on this machine'
      : error.code === 'EACCES'
        ? 'needs privileges that this process does not have'
        : `cannot be used: ${messageOf(error)}`;
  return new CompanionError('COMPANION_PORT_UNAVAILABLE', `port ${port} ${why}`, {
    cause: error,
    hint: 'Leave the port out to get any free one, and ask endpoint() which it is.',
  });
}
