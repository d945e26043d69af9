import { Agent } from 'node:http';
import { connect as connectSocket, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Endpoint, Transport } from './endpoint.js';
import { SshConnection } from './ssh-connection.js';

/** Long enough for the calls of one start to share a connection, too short for a proxy in between to cut it. */
const IDLE_MS = 15_000;

/**
 * Makes the connections to one engine, whatever the transport, for node:http and for dockerode. Idle ones are kept for a
 * moment, do not keep the program alive, and are shared by detection and use: with ssh each costs half a second.
 */
export class EngineAgent extends Agent {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super({ keepAlive: true, timeout: IDLE_MS });
    this.#transport = transport;
  }

  override createConnection(): Duplex {
    return connectTransport(this.#transport);
  }
}

const agents = new Map<string, EngineAgent>();

/** The agent of an endpoint, one per process for equal ones. */
export function agentOf({ transport }: Endpoint): EngineAgent {
  const key = JSON.stringify(transport);
  const agent = agents.get(key) ?? new EngineAgent(transport);
  agents.set(key, agent);
  return agent;
}

function connectTransport(transport: Transport): Duplex {
  switch (transport.kind) {
    case 'socket':
      return connectSocket({ path: transport.path });
    case 'ssh':
      return new SshConnection(transport);
    case 'tcp': {
      const { host, port, tls } = transport;
      if (tls === undefined) return connectSocket({ host, port, noDelay: true });
      const connection = connectTls({
        host,
        port,
        ...tls,
        // Otherwise the engine may choose HTTP/2.
        ALPNProtocols: ['http/1.1'],
        // An address is no name to ask for.
        ...(isIP(host) === 0 && { servername: host }),
      });
      return connection.setNoDelay(true);
    }
  }
}
