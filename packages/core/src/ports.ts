import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { parsePort } from './argument-checks.js';
import type { Environment, PortRequest } from './backend.js';
import { CompanionError, invalidArgument } from './errors.js';
import { Forwarder } from './forwarder.js';
import { closeServer, connectToLoopback, LOOPBACK, listenOnLoopback } from './loopback.js';

/** Where a port inside is reached from this process. */
export interface Endpoint {
  /** Always 127.0.0.1. */
  readonly host: string;
  readonly port: number;
  readonly companionPort: number;
}

/** Ports that companions of this process hold: none of them is chosen for another. */
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
  /** Undeclared ports whose forwarders are being made: two who wait for one port get one endpoint. */
  readonly #opening = new Map<number, Promise<Endpoint>>();
  readonly #forwarders: Forwarder[] = [];
  #closed = false;

  private constructor(
    ports: readonly PortRequest[],
    shared: boolean,
    connect: (port: number) => Promise<Duplex>,
  ) {
    this.#shared = shared;
    this.#connect = connect;
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
      shared ? connectToLoopback(port) : connectInside(environment, port),
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
    if (known !== undefined) return known;
    const opening =
      this.#opening.get(companionPort) ?? this.#open({ name: undefined, companionPort, hostPort: undefined });
    this.#opening.set(companionPort, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(companionPort);
    }
  }

  /** A connection to the port inside; rejects while nothing listens there. */
  connect(companionPort: number): Promise<Duplex> {
    return this.#connect(companionPort);
  }

  /** Nothing answers on its endpoints any more. */
  async close(): Promise<void> {
    this.#endpoints.clear();
    this.#closed = true;
    await Promise.all(this.#forwarders.splice(0).map((forwarder) => forwarder.close()));
  }

  async #open({ companionPort, hostPort }: PortRequest): Promise<Endpoint> {
    let port = companionPort;
    if (!this.#shared || (hostPort !== undefined && hostPort !== companionPort)) {
      const forwarder = await Forwarder.listen(hostPort ?? 0, () => this.#connect(companionPort));
      if (this.#closed) {
        await forwarder.close();
        throw new CompanionError(
          'COMPANION_WRONG_STATE',
          `port ${companionPort}: the companion has been stopped`,
        );
      }
      this.#forwarders.push(forwarder);
      port = forwarder.port;
    }
    const endpoint = Object.freeze({ host: LOOPBACK, port, companionPort });
    this.#endpoints.set(companionPort, endpoint);
    return endpoint;
  }
}

/**
 * The declared ports with every "any free one" chosen, and fixed ones of a shared network checked; to be given back with
 * {@link releasePorts}. Rejects with `COMPANION_PORT_UNAVAILABLE` when a fixed one is taken.
 */
export async function choosePorts(
  ports: readonly PortRequest[],
  network: 'shared' | 'private',
): Promise<readonly PortRequest[]> {
  const taken = new Set(ports.map((port) => port.companionPort));
  const chosen: PortRequest[] = [];
  try {
    for (const port of ports) {
      if (port.companionPort === 0) {
        const companionPort = network === 'shared' ? await freeOnHost() : freeInside(taken);
        taken.add(companionPort);
        chosen.push(Object.freeze({ ...port, companionPort }));
      } else {
        if (network === 'shared') await assertFree(port.companionPort);
        chosen.push(port);
      }
      held.add(chosen.at(-1)?.companionPort ?? 0);
    }
  } catch (error) {
    releasePorts(chosen);
    throw error;
  }
  return Object.freeze(chosen);
}

export function releasePorts(ports: readonly PortRequest[]): void {
  for (const port of ports) held.delete(port.companionPort);
}

/**
 * Below the range from which systems give ports to outgoing connections (32768 and up on Linux, 49152 elsewhere): one of
 * those could be taken between now and the moment when the companion's own server wants it.
 */
function candidate(): number {
  return randomInt(20_000, 30_000);
}

async function freeOnHost(): Promise<number> {
  for (let attempts = 0; ; attempts += 1) {
    const port = candidate();
    if (held.has(port)) continue;
    try {
      await assertFree(port);
      return port;
    } catch (error) {
      if (attempts > 100) throw error;
    }
  }
}

/** Nothing of the companion listens yet, so one that is not declared will do. */
function freeInside(taken: ReadonlySet<number>): number {
  for (;;) {
    const port = candidate();
    if (!taken.has(port)) return port;
  }
}

async function assertFree(port: number): Promise<void> {
  await closeServer(await listenOnLoopback(port));
}

async function connectInside(environment: Environment, port: number): Promise<Duplex> {
  if (environment.connect !== undefined) return environment.connect(port);
  throw new CompanionError(
    'COMPANION_INVALID_BACKEND',
    'a backend with a private network has to offer connect()',
  );
}
