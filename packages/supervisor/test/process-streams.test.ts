import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { type ClientFrame, say } from './frames.js';
import { COMMAND, scripted, scriptedProcess } from './scripted-peer.js';

const KIB = 1024;
const MIB = 1024 * KIB;

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('standard input', () => {
  it('sends what the window allows, the rest with credit, and its end', async () => {
    const { peer, process, id } = await scriptedProcess();
    const bytes = Buffer.from(Array.from({ length: 100 * KIB }, (_, index) => index % 251));
    process.stdin!.end(bytes);
    const first = await peer.next(3);
    expect(first.payload.equals(bytes.subarray(0, 64 * KIB))).toBe(true);
    expect(peer.unread).toEqual([]);
    peer.say(say.credit(id, 10));
    expect((await peer.next(3)).payload.equals(bytes.subarray(64 * KIB, 64 * KIB + 10))).toBe(true);
    peer.say(say.credit(id, 1_000_000));
    expect((await peer.next(3)).payload.equals(bytes.subarray(64 * KIB + 10))).toBe(true);
    expect((await peer.next(4)).id).toBe(id);
    peer.socket.destroy();
  });

  it('waits for a stream that is full, each in its turn, while signals go on', async () => {
    const { supervisor, peer, near } = await scripted();
    const spawning = Array.from({ length: 100 }, () => supervisor.spawn(COMMAND));
    for (const _one of spawning) peer.say(say.started((await peer.next(2)).id, 1));
    const processes = await Promise.all(spawning);
    peer.socket.pause();
    const written = processes.map(
      ({ stdin }, index) =>
        new Promise<void>((resolve) => {
          stdin!.write(Buffer.alloc(60 * KIB, index), () => resolve());
        }),
    );
    const ping = supervisor.ping();
    await turn();
    await turn();
    expect(near.writableLength).toBeGreaterThan(0);
    expect(near.writableLength).toBeLessThan(4 * 64 * KIB);
    peer.socket.resume();
    peer.say(say.reply((await peer.next(13)).payload.readUInt32LE(0), 0));
    await Promise.all([...written, ping]);
    peer.socket.destroy();
  });

  it('falls silent when the process has gone, in the middle of a write', async () => {
    const { supervisor, peer, id, process } = await scriptedProcess();
    const stdin = process.stdin!;
    stdin.write(Buffer.alloc(100 * KIB));
    await peer.next(3);
    peer.say(say.exit(id, 0, 0), say.outputEnd(id, 1), say.outputEnd(id, 2), say.gone(id));
    await once(stdin, 'close');
    stdin.write('nobody hears');
    stdin.end();
    const ping = supervisor.ping();
    peer.say(say.reply((await peer.next(13)).payload.readUInt32LE(0), 0));
    await ping;
    expect(peer.unread).toEqual([]);
    peer.socket.destroy();
  });

  it('that has been ended comes to its end when the process goes at that moment', async () => {
    const { peer, id, process } = await scriptedProcess();
    process.stdin!.end(Buffer.alloc(80 * KIB));
    await peer.next(3);
    peer.say(say.exit(id, 0, 0), say.outputEnd(id, 1), say.outputEnd(id, 2), say.gone(id));
    await finished(process.stdin!);
    expect(process.stdin!.writableFinished).toBe(true);
    peer.socket.destroy();
  });

  it('destroyed, is at its end', async () => {
    const { peer, id, process } = await scriptedProcess();
    process.stdin!.destroy();
    expect((await peer.next(4)).id).toBe(id);
    peer.socket.destroy();
  });
});

/** Writes as much as the window lets it. */
class Writer {
  allowed = 256 * KIB;
  readonly #session: Awaited<ReturnType<typeof scriptedProcess>>;

  constructor(session: Awaited<ReturnType<typeof scriptedProcess>>) {
    this.#session = session;
  }

  /** At most so much at a time, until `least` bytes have gone or no more may go. Resolves with how many have. */
  async write(least: number, most = 64 * KIB): Promise<number> {
    const { peer, id } = this.#session;
    let gone = 0;
    while (gone < least && this.allowed > 0) {
      const length = Math.min(this.allowed, most, 64 * KIB - 1);
      this.allowed -= length;
      gone += length;
      await this.hear(() => peer.say(say.output(id, 1, Buffer.alloc(length))));
    }
    return gone;
  }

  /** Resolves once the client knows what has been said, and its credits have come. */
  async hear(speak: () => void = () => {}): Promise<void> {
    const { supervisor, peer } = this.#session;
    const frames: ClientFrame[] = [];
    for (const act of [speak, turn]) {
      const ping = supervisor.ping();
      const request = (await peer.next(13, frames)).payload.readUInt32LE(0);
      await act();
      peer.say(say.reply(request, 0));
      await ping;
    }
    for (const { type, payload } of frames) if (type === 5) this.allowed += payload.readUInt32LE(1);
  }
}

describe('the window of an output', () => {
  it('is wide for a reader that keeps up with much, until it does not', async () => {
    const session = await scriptedProcess();
    const { stdout } = session.process;
    const writer = new Writer(session);
    stdout.on('data', () => {});
    await writer.write(3 * MIB);
    expect(writer.allowed).toBeLessThanOrEqual(256 * KIB);
    await writer.write(2 * MIB);
    expect(writer.allowed).toBeGreaterThan(256 * KIB);
    expect(writer.allowed).toBeLessThanOrEqual(MIB);
    stdout.pause();
    let unread = await writer.write(2 * MIB);
    expect(unread).toBeLessThanOrEqual(MIB);
    expect(writer.allowed).toBe(0);
    while (unread > 0) {
      const before = unread;
      unread -= (stdout.read() as Buffer | null)?.length ?? 0;
      await writer.hear();
      expect(writer.allowed).toBeLessThanOrEqual(Math.max(0, 256 * KIB - unread));
      expect(unread).toBeLessThan(before);
    }
    expect(writer.allowed).toBeGreaterThan(0);
    session.peer.socket.destroy();
  });

  it('stays narrow for who collects some and then waits', async () => {
    const session = await scriptedProcess();
    const { stdout } = session.process;
    const writer = new Writer(session);
    stdout.on('data', () => {});
    for (let round = 0; round < 6; round++) {
      stdout.resume();
      await turn();
      await writer.write(MIB);
      stdout.pause();
      expect(await writer.write(MIB)).toBeLessThanOrEqual(256 * KIB);
    }
    session.peer.socket.destroy();
  });
});

describe('output', () => {
  const piece = Buffer.alloc(32 * KIB, 'p');

  it('gets no credit while nobody reads, and credit for what has been read', async () => {
    const { supervisor, peer, id, process } = await scriptedProcess();
    peer.say(...Array.from({ length: 8 }, () => say.output(id, 1, piece)));
    const ping = supervisor.ping();
    peer.say(say.reply((await peer.next(13)).payload.readUInt32LE(0), 0));
    await ping;
    expect(peer.unread).toEqual([]);
    const reader = process.stdout[Symbol.asyncIterator]();
    let read = 0;
    while (read < 128 * KIB) read += (await reader.next()).value.length;
    const { payload } = await peer.next(5);
    expect(payload.readUInt8(0)).toBe(1);
    expect(payload.readUInt32LE(1)).toBeGreaterThanOrEqual(64 * KIB);
    expect(payload.readUInt32LE(1)).toBeLessThanOrEqual(read);
    peer.socket.destroy();
  });

  it.each([1, 7, 100, 5000, 20_000])(
    'arrives whole in pieces of %d bytes, late readers included',
    async (length) => {
      const { peer, id, process } = await scriptedProcess();
      const count = Math.floor(Math.min(256 * KIB, 5000 * length) / length);
      const bytes = Buffer.from(Array.from({ length: count * length }, (_, index) => index % 251));
      for (let offset = 0; offset < bytes.length; offset += length) {
        peer.say(say.output(id, 1, bytes.subarray(offset, offset + length)));
      }
      peer.say(say.outputEnd(id, 1), say.exit(id, 0, 0));
      await process.exited;
      expect(Buffer.concat(await process.stdout.toArray()).equals(bytes)).toBe(true);
      peer.socket.destroy();
    },
  );

  it('destroyed, is closed at the other side, and what was on its way disappears', async () => {
    const { supervisor, peer, id, process } = await scriptedProcess();
    process.stdout.destroy();
    const { payload } = await peer.next(9);
    expect([...payload]).toEqual([1]);
    peer.say(say.output(id, 1, 'late'), say.exit(id, 1, 13), say.outputEnd(id, 2), say.gone(id));
    expect(await process.exited).toMatchObject({ signal: 'SIGPIPE' });
    await process.stderr.toArray();
    const ping = supervisor.ping();
    peer.say(say.reply((await peer.next(13)).payload.readUInt32LE(0), 0));
    await ping;
    peer.socket.destroy();
  });
});
