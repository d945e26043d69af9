import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectSupervisor, type Supervisor } from '../src/supervisor.js';
import { type ClientFrame, parseFrames, say } from './frames.js';

/** Two ends of one connection. */
export async function socketPair(): Promise<{ near: Socket; far: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), 'companion-pair-'));
  const path = process.platform === 'win32' ? `\\\\.\\pipe\\${folder}` : join(folder, 'socket');
  const server = createServer({ allowHalfOpen: true });
  try {
    server.listen(path);
    await once(server, 'listening');
    const near = connect(path);
    const [far] = (await once(server, 'connection')) as [Socket];
    if (near.connecting) await once(near, 'connect');
    return { near, far };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A supervisor that does what the test says. */
export class ScriptedPeer {
  readonly socket: Socket;
  /** Resolves once the client has ended its side, however. */
  readonly left: Promise<void>;
  #frames: ClientFrame[] = [];
  #rest = Buffer.alloc(0);
  #arrived: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    this.left = new Promise((resolve) => {
      socket.once('end', resolve);
      socket.once('close', () => resolve());
    });
    socket.on('data', (chunk: Buffer) => {
      const { frames, rest } = parseFrames(Buffer.concat([this.#rest, chunk]));
      this.#frames.push(...frames);
      this.#rest = Buffer.from(rest);
      this.#arrived();
    });
  }

  say(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The next frame of that type; those before it are dropped, unless they are asked for. */
  async next(type: number, before: ClientFrame[] = []): Promise<ClientFrame> {
    for (;;) {
      for (let frame = this.#frames.shift(); frame !== undefined; frame = this.#frames.shift()) {
        if (frame.type === type) return frame;
        before.push(frame);
      }
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** What has come and nobody has asked for. */
  get unread(): readonly ClientFrame[] {
    return this.#frames;
  }
}

/** A client and its scripted supervisor, which have greeted each other. */
export async function scripted(): Promise<{ supervisor: Supervisor; peer: ScriptedPeer; near: Socket }> {
  const { near, far } = await socketPair();
  const peer = new ScriptedPeer(far);
  peer.say(say.hello());
  const supervisor = await connectSupervisor(near);
  await peer.next(1);
  return { supervisor, peer, near };
}

export const COMMAND = { file: 'tool', args: [], env: {}, cwd: '/', stdin: 'pipe' } as const;

/** A process that has started as id's first. */
export async function scriptedProcess(command: Parameters<Supervisor['spawn']>[0] = COMMAND) {
  const { supervisor, peer } = await scripted();
  const spawning = supervisor.spawn(command);
  const { id } = await peer.next(2);
  peer.say(say.started(id, 77));
  return { supervisor, peer, id, process: await spawning };
}
