import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';

interface Address {
  readonly host: string;
  readonly port: number;
}

const LOOPBACK = '127.0.0.1';
/** Below where systems take the ports of outgoing connections from, so that nobody takes one by chance. */
const [LOWEST, HIGHEST] = [15_000, 30_000];
/** For a connection to an address at which nobody answers, not even with a refusal. */
const SILENT_MS = 2000;

/** A port of this machine on which nothing listens now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
}

/** Whether somebody could listen there now: nobody does, neither at this address nor at all of them. */
export async function isFree(port: number, host: string = LOOPBACK): Promise<boolean> {
  try {
    await close(await listen(port, host));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** A port of this machine that is in use until `release()`. */
export async function takenPort(): Promise<{ readonly port: number; release(): Promise<void> }> {
  const server = await listen(await freePort(), LOOPBACK);
  return { port: (server.address() as AddressInfo).port, release: () => close(server) };
}

/** Sends bytes, ends its own side, and resolves with what comes until the other side has ended, too. */
export async function exchange(
  { host, port }: Address,
  bytes: string | Uint8Array,
  signal: AbortSignal,
): Promise<Buffer> {
  const socket = connect({ host, port, allowHalfOpen: true });
  const onAbort = (): void => void socket.destroy(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await once(socket, 'connect');
    socket.end(bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** Whether something there accepts a connection and says a word. A connection that is cut is no answer. */
export async function answers({ host, port }: Address): Promise<boolean> {
  const socket = connect({ host, port });
  socket.setTimeout(SILENT_MS, () => socket.destroy());
  socket.end('word');
  return await new Promise((resolve) => {
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    // Refused, reset or given up: close follows.
    socket.on('error', () => {});
    socket.once('close', () => resolve(false));
  });
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
