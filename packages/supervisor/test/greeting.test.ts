import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { connectSupervisor } from '../src/supervisor.js';
import { frame, say } from './frames.js';
import { ScriptedPeer, socketPair } from './scripted-peer.js';

/** What connecting rejects with, and whether the stream is gone then. */
async function refusal(
  ...said: readonly (Buffer | 'end')[]
): Promise<{ message: string; destroyed: boolean }> {
  const { near, far } = await socketPair();
  const connecting = connectSupervisor(near);
  for (const one of said) {
    if (one === 'end') far.end();
    else far.write(one);
  }
  const error: unknown = await connecting.catch((reason: unknown) => reason);
  far.destroy();
  expect(error).toBeInstanceOf(Error);
  return { message: (error as Error).message, destroyed: near.destroyed };
}

describe('connectSupervisor()', () => {
  it('answers the greeting, and knows what the supervisor is and can do', async () => {
    const { near, far } = await socketPair();
    const peer = new ScriptedPeer(far);
    const connecting = connectSupervisor(near);
    peer.say(say.hello(123, 2));
    const supervisor = await connecting;
    expect(supervisor).toMatchObject({ pid: 123, canSwitchUsers: true, reapsOrphans: false });
    expect((await peer.next(1)).payload).toEqual(Buffer.from([1, 0, 0, 0]));
    far.destroy();
    await supervisor.lost;
  });

  it('takes a pair of streams, and a greeting that comes byte by byte with more behind it', async () => {
    const readable = new PassThrough();
    const writable = new PassThrough();
    const connecting = connectSupervisor({ readable, writable });
    for (const byte of say.hello(7)) {
      readable.write(Buffer.from([byte]));
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect((await connecting).pid).toBe(7);
    readable.destroy();
  });

  it('loses nothing of what comes together with the greeting', async () => {
    const { near, far } = await socketPair();
    far.write(Buffer.concat([say.hello(), say.error('I am broken')]));
    const supervisor = await connectSupervisor(near);
    expect((await supervisor.lost).message).toBe('the supervisor ended the session: I am broken');
    far.destroy();
  });

  it('names both versions where they differ, also when the greeting has another form', async () => {
    const message = 'the supervisor speaks version 2 of its protocol, this program speaks version 1';
    expect(await refusal(say.hello(1, 0, 2))).toEqual({ message, destroyed: true });
    const later = frame(129, 0, Buffer.from('cmpnsup\n\x02\0'));
    expect((await refusal(later)).message).toBe(message);
  });

  it('shows in one line what came instead of a greeting, and where it was cut', async () => {
    const complaint = Buffer.from('sh: 1: companion-supervisor:\x1b[31m not found\n');
    expect(await refusal(complaint, 'end')).toEqual({
      message:
        'the stream does not lead to a supervisor: it said "sh: 1: companion-supervisor:\\u001b[31m not found"',
      destroyed: true,
    });
    const { message } = await refusal(Buffer.alloc(5000, 'm'), 'end');
    expect(message).toBe(`the stream does not lead to a supervisor: it said "${'m'.repeat(200)}" …`);
  });

  it('does not wait for the end of a complaint', async () => {
    const { message } = await refusal(Buffer.from('Permission denied\n'));
    expect(message).toBe('the stream does not lead to a supervisor: it said "Permission denied"');
  });

  it('says that the stream ended too early', async () => {
    const message = 'the stream ended before the supervisor had greeted';
    expect(await refusal('end')).toEqual({ message, destroyed: true });
    expect((await refusal(say.hello().subarray(0, 15), 'end')).message).toContain(`${message} completely`);
  });

  it('says that the stream failed', async () => {
    const ended = new PassThrough();
    ended.end();
    await once(ended.resume(), 'end');
    await expect(connectSupervisor(ended)).rejects.toThrow('the stream ended before');
    const { near, far } = await socketPair();
    const connecting = connectSupervisor(near);
    near.destroy(new Error('no route'));
    await expect(connecting).rejects.toThrow(
      'the stream failed before the supervisor said anything: no route',
    );
    far.destroy();
  });

  it('gives up when it is aborted, before and while it waits', async () => {
    const { near, far } = await socketPair();
    const controller = new AbortController();
    const connecting = connectSupervisor(near, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    await once(far.resume(), 'end');
    far.destroy();
    const other = await socketPair();
    await expect(connectSupervisor(other.near, { signal: controller.signal })).rejects.toThrow('enough');
    expect(other.near.destroyed).toBe(true);
    other.far.destroy();
  });
});
