import type { Server, Socket } from 'node:net';
import { type Duplex, finished } from 'node:stream';
import { closeServer, listenOnLoopback, portOf } from './loopback.js';

/** One loopback port whose connections go inside. */
export class Forwarder {
  readonly #server: Server;
  readonly #ends: Set<Duplex>;

  private constructor(server: Server, ends: Set<Duplex>) {
    this.#server = server;
    this.#ends = ends;
  }

  get port(): number {
    return portOf(this.#server);
  }

  /** Port 0 is any free one. Rejects with `COMPANION_PORT_UNAVAILABLE`. */
  static async listen(port: number, connect: () => Promise<Duplex>): Promise<Forwarder> {
    const ends = new Set<Duplex>();
    const keep = (end: Duplex): void => {
      ends.add(end);
      end.once('close', () => ends.delete(end));
    };
    const server = await listenOnLoopback(port, (outside) => {
      keep(outside);
      outside.on('error', () => outside.destroy());
      connect().then(
        (inside) => {
          keep(inside);
          carry(outside, inside);
        },
        // What its other end would see of a port on which nothing listens.
        () => outside.resetAndDestroy(),
      );
    });
    // A forwarder serves connections; it is no reason for the program to stay alive.
    server.unref();
    return new Forwarder(server, ends);
  }

  async close(): Promise<void> {
    const closed = closeServer(this.#server);
    for (const end of this.#ends) end.destroy();
    await closed;
  }
}

/** Both directions end on their own: a half-closed connection stays half-open. What breaks is broken on both sides. */
function carry(outside: Socket, inside: Duplex): void {
  if (outside.destroyed) {
    inside.destroy();
    return;
  }
  outside.pipe(inside);
  inside.pipe(outside);
  inside.on('error', () => outside.resetAndDestroy());
  outside.once('close', () => release(outside, inside, () => inside.destroy()));
  // A reset, not an end: whoever reads to the end must not take half for the whole.
  inside.once('close', () => release(inside, outside, () => outside.resetAndDestroy()));
}

/** One end is gone. If it had said all it had to say, that is still on its way; else the other end is broken, too. */
function release(gone: Duplex, other: Duplex, breakOff: () => void): void {
  if (other.destroyed) return;
  if (gone.readableEnded) finished(other, { readable: false }, () => other.destroy());
  else breakOff();
}
