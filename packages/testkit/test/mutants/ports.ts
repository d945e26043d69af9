import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex, PassThrough, Transform } from 'node:stream';
import type { Backend } from '@companion/core/backend';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

async function connectInside(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/**
 * A backend whose ports are carried through `connect()`, made of one that shares this machine's network. Not private,
 * but all that core sees of a private one.
 */
export function carried(
  real: Backend,
  connection: (port: number) => Promise<Duplex> = connectInside,
): Backend {
  return wrap(real, {
    capabilities: { network: 'private' },
    environment: () => ({ connect: connection }),
  });
}

/** Faults in `connect()`. The backend that they are made of is {@link carried}. */
export const portsMutants: readonly Mutant[] = [
  {
    id: 'ports/wrong-port',
    breaks: 'connect() leads to the port asked for: it leads to the next one.',
    failedBy: ['ports.fixed', 'ports.any', 'ports.known-later', 'ports.host-port', 'ports.wait-for-port'],
    backend: (real) => carried(real, (port) => connectInside(port + 1)),
  },
  {
    id: 'ports/refused',
    breaks: 'A server on loopback inside is reached: only one on another address is.',
    failedBy: ['ports.fixed'],
    backend: (real) =>
      carried(real, async (port) => {
        const socket = connect({ host: '127.0.0.9', port });
        await once(socket, 'connect');
        return socket;
      }),
  },
  {
    id: 'ports/accepts-for-nobody',
    breaks:
      'connect() rejects while nobody listens: it resolves at once, as an engine whose proxy accepts for nobody.',
    failedBy: ['ports.wait-for-port', 'ports.not-ready-in-time', 'ports.wait-after-stop'],
    backend: (real) =>
      carried(real, (port) => {
        const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
        socket.on('error', () => {});
        return Promise.resolve(socket);
      }),
  },
  {
    id: 'ports/answers-for-nobody',
    breaks: 'What nobody listens on gives no answer: it answers by itself.',
    failedBy: ['ports.nothing-listens', 'ports.wait-for-port'],
    backend: (real) => carried(real, () => Promise.resolve(new PassThrough())),
  },
  {
    id: 'ports/no-half-close',
    breaks: 'Ending one direction leaves the other open: the connection is cut.',
    failedBy: ['ports.half-close'],
    backend: (real) =>
      carried(real, async (port) => {
        const socket = await connectInside(port);
        socket.once('finish', () => socket.destroy());
        return socket;
      }),
  },
  {
    id: 'ports/cuts-large-transfers',
    breaks: 'Every byte is carried: after 1 MB the connection ends.',
    failedBy: ['ports.large-transfers'],
    backend: (real) =>
      carried(real, async (port) => {
        const socket = await connectInside(port);
        let carriedBytes = 0;
        const short = new Transform({
          transform: (chunk: Buffer, _encoding, callback) => {
            carriedBytes += chunk.length;
            callback(null, carriedBytes > 1_000_000 ? undefined : chunk);
          },
        });
        return Duplex.from({ readable: socket.pipe(short), writable: socket });
      }),
  },
  {
    id: 'ports/one-connection-at-a-time',
    breaks: 'Many connections are carried at once: they share one.',
    failedBy: ['ports.many-connections'],
    backend: (real) => {
      let only: Promise<Socket> | undefined;
      return carried(real, async (port) => {
        only ??= connectInside(port);
        const socket = await only;
        socket.setMaxListeners(0);
        const [input, output] = [new PassThrough(), new PassThrough()];
        socket.pipe(output);
        input.pipe(socket, { end: false });
        return Duplex.from({ readable: output, writable: input });
      });
    },
  },
];

/** Faults that show where ports are this machine's own. */
export const sharedPortsMutants: readonly Mutant[] = [
  {
    id: 'ports/leaves-servers',
    breaks: 'After stop() nothing answers: servers inside go on.',
    failedBy: ['ports.closed-after-stop'],
    backend: (real) =>
      wrap(real, {
        environment: () => ({ stop: () => Promise.resolve(), shutdown: () => Promise.resolve() }),
        process: () => ({ kill: () => Promise.resolve() }),
      }),
  },
];
