import { randomInt } from 'node:crypto';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { parsePort } from './argument-checks.js';
import type { Environment, PortRequest } from './backend.js';
import { CompanionError, invalidArgument, messageOf } from './errors.js';

/** Where a port inside is reached from this process. */
export interface Endpoint {
  /** Always 127.0.0.1. */
  readonly host: string;
  readonly port: number;
  readonly companionPort: number;
}

const LOOPBACK = '127.0.0.1';

/** Ports that companions of this process hold: two of them never choose the same. */
const held = new Set<number>();

/**
 * The ports of one running companion. Where the network is shared, a port is its own endpoint; where it is private, or
 * another host port was asked for, a listener on loopback carries every connection inside.
 */
export class PortTable {
  readonly #shared: boolean;
  readonly #connect: (port: number) => Promise<Duplex>;
  readonly #endpoints = new Map<number, Endpoint>();
  readonly #names = new Map<string, number>();
  readonly #forwarders: Forwarder[] = [];
  readonly #reserved: readonly number[];

  private constructor(
    ports: readonly PortRequest[],
    shared: boolean,
    connect: (port: number) => Promise<Duplex>,
  ) {
    this.#shared = shared;
    this.#connect = connect;
    this.#reserved = ports.map((port) => port.companionPort);
    for (const { name, companionPort } of ports) if (name !== undefined) this.#names.set(name, companionPort);
  }

  /** Listens for every declared port. Rejects with `COMPANION_PORT_UNAVAILABLE`; nothing then listens. */
  static async open(
    ports: readonly PortRequest[],
    environment: Environment,
    network: 'shared' | 'private',
  ): Promise<PortTable> {
    const shared = network === 'shared';
    const table = new PortTable(ports, shared, (port) =>
      shared ? connectLoopback(port) : connectInside(environment, port),
    );
    try {
      for (const port of ports) await table.#open(port);
    } catch (error) {
      await table.close();
      throw error;
    }
    return table;
  }

  /** @throws `COMPANION_WRONG_STATE` for a port that is not known (yet), TypeError for a name that nobody gave. */
  endpoint(portOrName: number | string): Endpoint {
    const endpoint = this.#endpoints.get(this.companionPort(portOrName));
    if (endpoint !== undefined) return endpoint;
    throw new CompanionError('COMPANION_WRONG_STATE', `port ${portOrName} is not declared`, {
      hint: 'Declare it with the option `ports` or withPortMapping(), or await waitForPort() first.',
    });
  }

  companionPort(portOrName: number | string): number {
    if (typeof portOrName === 'number') return parsePort('port', portOrName);
    const port = this.#names.get(portOrName);
    if (port !== undefined) return port;
    throw invalidArgument(
      'port',
      `the name of a declared port (${[...this.#names.keys()].join(', ') || 'none'})`,
      portOrName,
    );
  }

  /** Makes a port that became known after `init()` reachable. */
  async forward(companionPort: number): Promise<Endpoint> {
    const known = this.#endpoints.get(companionPort);
    return known ?? (await this.#open({ name: undefined, companionPort, hostPort: undefined }));
  }

  /** A connection to the port inside; rejects while nothing listens there. */
  connect(companionPort: number): Promise<Duplex> {
    return this.#connect(companionPort);
  }

  /** Nothing answers on its endpoints any more. */
  async close(): Promise<void> {
    this.#endpoints.clear();
    for (const port of this.#reserved) held.delete(port);
    await Promise.all(this.#forwarders.splice(0).map((forwarder) => forwarder.close()));
  }

  async #open({ companionPort, hostPort }: PortRequest): Promise<Endpoint> {
    let port = companionPort;
    if (!this.#shared || (hostPort !== undefined && hostPort !== companionPort)) {
      const forwarder = await Forwarder.listen(hostPort ?? 0, () => this.#connect(companionPort));
      this.#forwarders.push(forwarder);
      port = forwarder.port;
    }
    const endpoint = Object.freeze({ host: LOOPBACK, port, companionPort });
    this.#endpoints.set(companionPort, endpoint);
    return endpoint;
  }
}

/**
 * The declared ports with every "any free one" chosen, and fixed ones of a shared network checked.
 * Rejects with `COMPANION_PORT_UNAVAILABLE` when a fixed one is taken.
 */
export async function choosePorts(
  ports: readonly PortRequest[],
  network: 'shared' | 'private',
): Promise<readonly PortRequest[]> {
  const taken = new Set(ports.map((port) => port.companionPort));
  const chosen: PortRequest[] = [];
  for (const port of ports) {
    if (port.companionPort !== 0) {
      if (network === 'shared') await assertFree(port.companionPort);
      chosen.push(port);
      continue;
    }
    const companionPort = network === 'shared' ? await freePort() : freeInside(taken);
    taken.add(companionPort);
    chosen.push(Object.freeze({ ...port, companionPort }));
  }
  return Object.freeze(chosen);
}

async function freePort(): Promise<number> {
  for (;;) {
    const server = await listen(0);
    const port = portOf(server);
    await closeServer(server);
    if (held.has(port)) continue;
    held.add(port);
    return port;
  }
}

/** Nothing of the companion listens yet, so any port above the well-known ones will do. */
function freeInside(taken: ReadonlySet<number>): number {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (!taken.has(port)) return port;
  }
}

async function assertFree(port: number): Promise<void> {
  await closeServer(await listen(port));
}

/** One loopback port whose connections go inside. */
class Forwarder {
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
  }

  get port(): number {
    return portOf(this.#server);
  }

  static async listen(port: number, connect: () => Promise<Duplex>): Promise<Forwarder> {
    const sockets = new Set<Socket>();
    const server = await listen(port, (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      // Its other end sees a reset, as with a port on which nothing listens.
      socket.on('error', () => socket.destroy());
      connect().then(
        (inside) => carry(socket, inside),
        () => socket.resetAndDestroy(),
      );
    });
    // A forwarder serves connections; it is no reason for the program to stay alive.
    server.unref();
    return new Forwarder(server, sockets);
  }

  async close(): Promise<void> {
    const closed = closeServer(this.#server);
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Both directions end on their own: a half-closed connection stays half-open. */
function carry(socket: Socket, inside: Duplex): void {
  if (socket.destroyed) {
    inside.destroy();
    return;
  }
  for (const [from, to] of [
    [socket, inside],
    [inside, socket],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    // Broken off; one that has ended may still have bytes on their way to the other.
    from.once('close', () => from.readableEnded || to.destroy());
  }
}

function listen(port: number, onConnection?: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, onConnection);
    server.once('error', (error: NodeJS.ErrnoException) => reject(unavailable(port, error)));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(server));
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

function connectLoopback(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectTo({ port, host: LOOPBACK, allowHalfOpen: true, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

async function connectInside(environment: Environment, port: number): Promise<Duplex> {
  if (environment.connect !== undefined) return environment.connect(port);
  throw new CompanionError(
    'COMPANION_INVALID_BACKEND',
    'a backend with a private network has to offer connect()',
  );
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
