import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { say } from './frames.js';
import { scripted } from './scripted-peer.js';

describe('a connection', () => {
  async function connected() {
    const { supervisor, peer } = await scripted();
    const connecting = supervisor.connect(8080);
    const { id, payload } = await peer.next(8);
    expect(payload.readUInt16LE(0)).toBe(8080);
    peer.say(say.started(id, 0));
    return { supervisor, peer, id, connection: await connecting };
  }

  it('ends in each direction by itself', async () => {
    const { peer, id, connection } = await connected();
    peer.say(say.output(id, 1, 'response'), say.outputEnd(id, 1));
    expect(Buffer.concat(await connection.toArray({})).toString()).toBe('response');
    peer.socket.destroy();
  });

  it('can be written to after the other side has ended, and goes quietly', async () => {
    const { supervisor, peer, id, connection } = await connected();
    peer.say(say.outputEnd(id, 1));
    await once(connection.resume(), 'end');
    const closed = once(connection, 'close');
    connection.end('request');
    expect((await peer.next(3)).payload.toString()).toBe('request');
    await peer.next(4);
    await closed;
    peer.say(say.gone(id));
    const ping = supervisor.ping();
    peer.say(say.reply((await peer.next(13)).payload.readUInt32LE(0), 0));
    await ping;
    expect(peer.unread).toEqual([]);
    peer.socket.destroy();
  });

  it('is reset by being destroyed, and destroyed by being reset', async () => {
    const { peer, connection } = await connected();
    connection.destroy();
    expect([...(await peer.next(9)).payload]).toEqual([1]);
    peer.socket.destroy();
    const other = await connected();
    other.peer.say(say.gone(other.id, 104));
    const [error] = await once(other.connection, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    other.peer.socket.destroy();
  });

  it('is reset by being destroyed also after the other side has ended', async () => {
    const { peer, id, connection } = await connected();
    peer.say(say.outputEnd(id, 1));
    await once(connection.resume(), 'end');
    connection.destroy();
    expect((await peer.next(9)).id).toBe(id);
    peer.socket.destroy();
  });

  it('that is refused rejects with the system error', async () => {
    const { supervisor, peer } = await scripted();
    const connecting = supervisor.connect(1);
    const { id } = await peer.next(8);
    peer.say(say.failed(id, 6, 0, 111));
    await expect(connecting).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: 'connect ECONNREFUSED 127.0.0.1:1',
    });
    await expect(supervisor.connect(70_000)).rejects.toThrow(RangeError);
    peer.socket.destroy();
  });
});
