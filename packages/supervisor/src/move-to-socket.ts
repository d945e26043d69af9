import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { posix } from 'node:path';
import { MAX_SOCKET_PATH_BYTES, TOKEN_BYTES } from './protocol.js';
import type { Session } from './session.js';

/** For who is on this machine and has nothing else to do yet. */
const ARRIVAL_MS = 2000;

/** One directory, as both sides see it. */
export interface SharedDirectory {
  /** Nobody but this program's user may enter it. */
  readonly hostDirectory: string;
  readonly companionDirectory: string;
}

/**
 * Moves a session to a unix socket in a directory that both sides see. The socket is there for one connection alone, and
 * gone before this resolves: false where the session stays on its stream.
 */
export async function moveToSocket(session: Session, shared: SharedDirectory): Promise<boolean> {
  const name = `${randomBytes(8).toString('hex')}.sock`;
  const hostPath = posix.join(shared.hostDirectory, name);
  const path = posix.join(shared.companionDirectory, name);
  if (![hostPath, path].every(isSocketPath)) return false;
  const token = randomBytes(TOKEN_BYTES);
  const arrival = new Arrival(token);
  try {
    return await session.move(async () => {
      return (await arrival.listen(hostPath)) ? { path, token, arrived: arrival.socket } : undefined;
    });
  } finally {
    arrival.giveUp();
    await rm(hostPath, { force: true }).catch(() => {});
  }
}

function isSocketPath(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES && !path.includes('\0');
}

/** Waits for one connection that says the token. The first is the only one: silent or mistaken, it is nobody's. */
class Arrival {
  readonly socket: Promise<Socket | undefined>;
  readonly #token: Buffer;
  readonly #server = createServer((socket) => this.#meet(socket));
  #tell!: (socket: Socket | undefined) => void;
  #first: Socket | undefined;
  #settled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(token: Buffer) {
    this.#token = token;
    this.socket = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.#server.on('error', () => this.giveUp());
  }

  /** False where there can be no such socket. */
  async listen(path: string): Promise<boolean> {
    try {
      this.#server.listen(path);
      await once(this.#server, 'listening');
      // Root inside may connect to it, and who has this program's user id: nobody else can enter the directory anyway.
      await chmod(path, 0o600);
    } catch {
      return false;
    }
    this.#timer = setTimeout(() => this.giveUp(), ARRIVAL_MS);
    return !this.#settled;
  }

  giveUp(): void {
    this.#settle(undefined);
  }

  #settle(socket: Socket | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#server.close();
    if (socket === undefined) this.#first?.destroy();
    this.#tell(socket);
  }

  #meet(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#first !== undefined || this.#settled) {
      socket.destroy();
      return;
    }
    this.#first = socket;
    this.#server.close();
    const giveUp = (): void => this.giveUp();
    const read = (): void => {
      const said: Buffer | null = socket.read(TOKEN_BYTES);
      if (said === null) return;
      socket.off('readable', read).off('close', giveUp);
      const isKnown = said.length === TOKEN_BYTES && timingSafeEqual(said, this.#token);
      this.#settle(isKnown ? socket : undefined);
    };
    socket.on('readable', read).on('close', giveUp);
  }
}
