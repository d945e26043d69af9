import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type ListenOptions, type Server } from 'node:net';
import { hostname } from 'node:os';
import type { TestEngine } from './engines.mjs';

/** What is done with the bytes of a connection before they are passed on. */
export interface DoorKeeper {
  /** Awaited, with what a client has sent. */
  readonly asked?: (chunk: Buffer) => Promise<void> | void;
  /** May change what the engine has answered, in its place. */
  readonly answered?: (chunk: Buffer) => void;
}

/** To an engine that looks as if it ran on another machine: it has another host's name, of the same length. */
export function doorElsewhere({ address }: TestEngine): Door {
  const own = Buffer.from(`"Name":"${hostname()}"`);
  const other = Buffer.from(`"Name":"${'x'.repeat(hostname().length)}"`);
  return new Door(address, {
    answered: (chunk) => {
      const at = chunk.indexOf(own);
      if (at >= 0) other.copy(chunk, at);
    },
  });
}

/** Another address of an engine: a unix socket or a port through which everything passes. */
export class Door {
  readonly #server: Server;

  constructor(address: string, { asked, answered }: DoorKeeper) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const onward = connect({ path: new URL(address).pathname, allowHalfOpen: true });
      const end = (): void => {
        client.destroy();
        onward.destroy();
      };
      let passed: Promise<unknown> = Promise.resolve();
      client.on('data', (chunk: Buffer) => {
        passed = passed
          .then(() => asked?.(chunk))
          .then(() => onward.write(chunk))
          .catch(end);
      });
      client.on('end', () => void passed.then(() => onward.end()));
      onward.on('data', (chunk: Buffer) => {
        answered?.(chunk);
        client.write(chunk);
      });
      onward.on('end', () => client.end());
      // What this process holds is counted: only the companions' own ends are to be.
      for (const one of [client, onward]) one.unref().on('error', end).on('close', end);
    });
  }

  /** Resolves with the address, as in `DOCKER_HOST`. */
  async open(where: ListenOptions): Promise<string> {
    this.#server.listen(where);
    await once(this.#server, 'listening');
    const address = this.#server.address() as AddressInfo | string;
    return typeof address === 'string' ? `unix://${address}` : `tcp://127.0.0.1:${address.port}`;
  }

  close(): void {
    this.#server.close();
  }
}
