import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { say } from './frames.js';
import { COMMAND, ScriptedPeer, scripted } from './scripted-peer.js';

const parent = mkdtempSync(join(tmpdir(), 'companion-move-'));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(parent, 'd'));
});
afterAll(() => rmSync(parent, { recursive: true }));

/** A scripted supervisor that has been asked to move and has not answered yet. */
async function asked() {
  const { supervisor, peer } = await scripted();
  const moving = supervisor.moveToSocket({ hostDirectory: folder, companionDirectory: '/inside' });
  moving.catch(() => {});
  const { payload } = await peer.next(14);
  const path = payload.toString('utf8', 20, payload.length - 1);
  expect(path).toMatch(/^\/inside\/[0-9a-f]{16}\.sock$/);
  const answer = (errno: number): void => peer.say(say.reply(payload.readUInt32LE(0), errno));
  const arrive = async (token: Uint8Array = payload.subarray(4, 20)): Promise<Socket> => {
    const socket = connect(join(folder, path.slice('/inside/'.length)));
    await once(socket, 'connect');
    socket.on('error', () => {}).write(token);
    return socket;
  };
  return { supervisor, peer, moving, answer, arrive };
}

async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket.resume(), 'close');
}

const LEFT = 'it left its stream for a socket, and did not arrive there';

// There are no such sockets on Windows.
describe.skipIf(process.platform === 'win32')('moveToSocket()', () => {
  it.each(['before', 'after'])('goes on with whoever says the token, %s the answer', async (order) => {
    const { supervisor, moving, answer, arrive } = await asked();
    if (order === 'after') answer(0);
    const socket = await arrive();
    if (order === 'before') answer(0);
    expect(await moving).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
    const peer = new ScriptedPeer(socket);
    const pinged = supervisor.ping();
    peer.say(say.reply((await peer.next(13)).payload.readUInt32LE(0), 0));
    await pinged;
    socket.destroy();
    expect((await supervisor.lost).message).toContain('the supervisor has gone');
  });

  it('stays on its stream when the supervisor does, with whatever waits', async () => {
    const { supervisor, peer, moving, answer, arrive } = await asked();
    const socket = await arrive();
    const spawning = supervisor.spawn(COMMAND);
    expect(peer.unread).toEqual([]);
    answer(24);
    expect(await moving).toBe(false);
    await gone(socket);
    peer.say(say.started((await peer.next(2)).id, 77));
    expect((await spawning).pid).toBe(77);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('moves for one who asks at a time', async () => {
    const { supervisor, moving, answer } = await asked();
    expect(await supervisor.moveToSocket({ hostDirectory: folder, companionDirectory: folder })).toBe(false);
    answer(2);
    expect(await moving).toBe(false);
  });

  it('is lost when the first at the socket says something else, though the right one comes', async () => {
    const { supervisor, moving, answer, arrive } = await asked();
    const stranger = await arrive(Buffer.alloc(16));
    await gone(stranger);
    await expect(arrive()).rejects.toThrow('ENOENT');
    answer(0);
    await expect(moving).rejects.toThrow(LEFT);
    expect((await supervisor.lost).message).toContain(LEFT);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is lost when nobody, or somebody silent, comes in time', { timeout: 20_000 }, async () => {
    const nobody = await asked();
    nobody.answer(0);
    const silent = await asked();
    const socket = await silent.arrive(Buffer.alloc(0));
    silent.answer(0);
    await expect(nobody.moving).rejects.toThrow(LEFT);
    await expect(silent.moving).rejects.toThrow(LEFT);
    await gone(socket);
  });

  it('stays when the supervisor answers late that it does', { timeout: 20_000 }, async () => {
    const { supervisor, peer, moving, answer, arrive } = await asked();
    const socket = await arrive(Buffer.alloc(3));
    await gone(socket);
    answer(111);
    expect(await moving).toBe(false);
    const pinged = supervisor.ping();
    peer.say(say.reply((await peer.next(13)).payload.readUInt32LE(0), 0));
    await pinged;
  });

  it('rejects with the end of the session, and takes nobody in after it', async () => {
    const closed = await asked();
    closed.peer.socket.once('end', () => closed.peer.socket.end());
    await closed.supervisor.close();
    await expect(closed.moving).rejects.toThrow('was closed');
    const lost = await asked();
    const socket = await lost.arrive();
    lost.peer.socket.destroy();
    await expect(lost.moving).rejects.toThrow('the supervisor has gone');
    await gone(socket);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes the end of either stream for the end, and words on the one that was left for a broken rule', async () => {
    const words: [(left: Socket, socket: Socket) => void, string][] = [
      [(left) => left.destroy(), 'the supervisor has gone'],
      [(_left, socket) => socket.destroy(), 'the supervisor has gone'],
      [(left) => left.write(say.reply(1, 0)), 'spoke on the stream that it had left'],
    ];
    for (const [act, message] of words) {
      const { supervisor, peer, moving, answer, arrive } = await asked();
      const socket = await arrive();
      answer(0);
      expect(await moving).toBe(true);
      act(peer.socket, socket);
      expect((await supervisor.lost).message).toContain(message);
      await Promise.all([peer.left, gone(socket)]);
    }
  });

  it('closes both', async () => {
    const { supervisor, peer, moving, answer, arrive } = await asked();
    const socket = await arrive();
    answer(0);
    await moving;
    const closing = supervisor.close();
    await Promise.all([peer.left, once(socket.resume(), 'end')]);
    peer.socket.end();
    await closing;
  });
});
