import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectSupervisor } from '../src/supervisor.js';
import { say } from './frames.js';
import { COMMAND, scripted, scriptedProcess } from './scripted-peer.js';

describe('the end of the stream', () => {
  it('rejects and destroys whatever waits, with the reason', async () => {
    const { supervisor, peer, id, process } = await scriptedProcess();
    const waiting = [
      supervisor.spawn(COMMAND),
      supervisor.connect(80),
      supervisor.ping(),
      supervisor.listening(80),
      supervisor.endAll({ graceMs: 0 }),
      process.kill('SIGTERM'),
      process.descendants(),
      process.exited,
    ];
    await peer.next(13);
    peer.say(say.output(id, 1, 'last words'));
    await once(process.stdout, 'readable');
    const errors = [process.stdin!, process.stdout, process.stderr].map((stream) => once(stream, 'error'));
    peer.socket.destroy();
    const error = await supervisor.lost;
    expect(error.message).toBe('the supervisor has gone: its stream ended');
    for (const one of waiting) await expect(one).rejects.toBe(error);
    expect(await Promise.all(errors)).toEqual([[error], [error], [error]]);
    await expect(supervisor.spawn(COMMAND)).rejects.toBe(error);
    await expect(supervisor.ping()).rejects.toBe(error);
    await expect(process.kill('SIGKILL', 'tree')).resolves.toBeUndefined();
    await supervisor.close();
  });

  it('says so when it comes in the middle of a frame', async () => {
    const { supervisor, peer } = await scripted();
    peer.say(say.reply(1, 0).subarray(0, 10));
    peer.socket.end();
    expect((await supervisor.lost).message).toBe(
      'the supervisor has gone: its stream ended in the middle of a frame',
    );
  });

  it('leaves alone who has ended: its verdict, and output that has come completely', async () => {
    const { supervisor, peer, id, process } = await scriptedProcess();
    peer.say(say.output(id, 1, 'all of it'), say.outputEnd(id, 1), say.exit(id, 0, 3));
    expect(await process.exited).toMatchObject({ code: 3, signal: null });
    peer.socket.destroy();
    await supervisor.lost;
    expect(Buffer.concat(await process.stdout.toArray()).toString()).toBe('all of it');
    await expect(process.stderr.toArray()).rejects.toThrow('the supervisor has gone');
  });

  it('on the way there leaves time for why', async () => {
    const readable = new PassThrough();
    const writable = new PassThrough();
    readable.write(say.hello());
    const supervisor = await connectSupervisor({ readable, writable });
    writable.destroy(new Error('EPIPE'));
    await once(writable, 'error');
    readable.write(say.error('your frame was wrong'));
    expect((await supervisor.lost).message).toBe('the supervisor ended the session: your frame was wrong');
    const pair = { readable: new PassThrough(), writable: new PassThrough() };
    pair.readable.write(say.hello());
    const other = await connectSupervisor(pair);
    pair.writable.destroy(new Error('EPIPE'));
    expect((await other.lost).message).toBe('the supervisor has gone: its stream failed: EPIPE');
  });

  it('is no loss after close(), which waits for it and rejects what is open', async () => {
    const { supervisor, peer, process } = await scriptedProcess();
    let lost = false;
    void supervisor.lost.then(() => {
      lost = true;
    });
    peer.socket.once('end', () => peer.socket.end());
    const closing = supervisor.close();
    await expect(supervisor.ping()).rejects.toThrow('the connection to the supervisor was closed');
    await closing;
    await expect(process.exited).rejects.toThrow('the connection to the supervisor was closed');
    await supervisor.close();
    expect(lost).toBe(false);
  });
});

describe('keepAlive()', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('pings now and every 15 s, and takes a supervisor for lost that answers none of four', async () => {
    const { supervisor, peer } = await scripted();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const answer = async () => peer.say(say.reply((await peer.next(13)).payload.readUInt32LE(0), 0));
    supervisor.keepAlive();
    supervisor.keepAlive();
    await answer();
    vi.advanceTimersByTime(15_000);
    await answer();
    // Its answer comes after the one before it has been heard.
    const heard = supervisor.ping();
    await answer();
    await heard;
    expect(peer.unread).toEqual([]);
    for (let number = 0; number < 4; number++) {
      vi.advanceTimersByTime(15_000);
      await peer.next(13);
    }
    const ping = supervisor.ping();
    vi.advanceTimersByTime(15_000);
    expect((await supervisor.lost).message).toBe('the supervisor has gone: it has not answered for 60 s');
    await expect(ping).rejects.toThrow('has not answered');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a broken rule of the supervisor ends the session', () => {
  it.each<[string, (id: number) => Buffer[], string]>([
    ['a frame about nobody', () => [say.credit(99, 1)], 'spoke about 99, which does not exist'],
    ['an answer to nobody', () => [say.reply(99, 0)], 'answered what nobody had asked'],
    ['a second STARTED', (id) => [say.started(id, 1)], 'spoke out of turn about a process: it is running'],
    ['a failure after the start', (id) => [say.failed(id, 5, 0, 2)], 'it is running'],
    ['GONE before EXIT', (id) => [say.gone(id)], 'it is running'],
    [
      'GONE before the end of the output',
      (id) => [say.exit(id, 0, 0), say.gone(id)],
      'forgot the end of an output',
    ],
    ['a second EXIT', (id) => [say.exit(id, 0, 0), say.exit(id, 0, 0)], 'it is exited'],
    [
      'output after its end',
      (id) => [say.outputEnd(id, 1), say.output(id, 1, 'x')],
      'sent output after its end',
    ],
    ['a second end', (id) => [say.outputEnd(id, 2), say.outputEnd(id, 2)], 'ended an output twice'],
    [
      'more output than the window',
      (id) => Array.from({ length: 5 }, () => say.output(id, 2, Buffer.alloc(60_000))),
      'sent more than the window',
    ],
    ['noise', () => [Buffer.from('segmentation fault')], 'which does not exist'],
  ])('%s', async (_what, wrong, message) => {
    const { supervisor, peer, id, process } = await scriptedProcess();
    peer.say(...wrong(id));
    const error = await supervisor.lost;
    expect(error.name).toBe('ProtocolError');
    expect(error.message).toContain(message);
    await peer.left;
    await process.exited.catch((reason: unknown) => expect(reason).toBe(error));
  });
});
