import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { SpawnFailure } from '../src/spawn-failure.js';
import { numbers, say } from './frames.js';
import { COMMAND, scripted, scriptedProcess } from './scripted-peer.js';

const KIB = 1024;

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('spawn()', () => {
  it('rejects with what could not be done', async () => {
    const { supervisor, peer } = await scripted();
    const spawning = supervisor.spawn(COMMAND);
    const { id } = await peer.next(2);
    peer.say(say.failed(id, 5, 1, 2));
    await expect(spawning).rejects.toThrow(SpawnFailure);
    await expect(spawning).rejects.toMatchObject({ phase: 'program', code: 'ENOENT', fileExists: true });
    peer.socket.destroy();
  });

  it('refuses what is longer than the protocol allows like what is longer than the kernel does', async () => {
    const { supervisor, peer } = await scripted();
    const spawning = supervisor.spawn({ ...COMMAND, args: ['x'.repeat(9 * KIB * KIB)] });
    await expect(spawning).rejects.toMatchObject({ code: 'E2BIG', companionCode: 'COMPANION_START_FAILED' });
    expect(peer.unread).toEqual([]);
    peer.socket.destroy();
  });

  it('leaves nothing behind when it is aborted', async () => {
    const { supervisor, peer } = await scripted();
    const controller = new AbortController();
    const spawning = supervisor.spawn(COMMAND, { signal: controller.signal });
    const { id } = await peer.next(2);
    controller.abort(new Error('enough'));
    peer.say(say.started(id, 5));
    const { payload } = await peer.next(6);
    expect([...payload.subarray(4)]).toEqual([2, 9]);
    let settled = false;
    spawning.catch(() => {
      settled = true;
    });
    await turn();
    expect(settled).toBe(false);
    peer.say(say.exit(id, 1, 9), say.reply(payload.readUInt32LE(0), 0), say.gone(id));
    await expect(spawning).rejects.toThrow('enough');
    await expect(supervisor.spawn(COMMAND, { signal: controller.signal })).rejects.toThrow('enough');
    peer.socket.destroy();
  });
});

describe('a process', () => {
  it('tells its end in every way', async () => {
    const usage = { userMicroseconds: 1, systemMicroseconds: 2, maxResidentBytes: 3 };
    const ends = [
      [say.exit, [0, 255, 0], { code: 255, signal: null }],
      [say.exit, [1, 15, 0], { code: null, signal: 'SIGTERM' }],
      [say.exit, [1, 9, 1], { code: null, signal: 'SIGKILL', outOfMemory: true }],
    ] as const;
    for (const [exit, [how, number, flags], expected] of ends) {
      const { peer, id, process } = await scriptedProcess();
      peer.say(exit(id, how, number, flags));
      expect(await process.exited).toEqual(expected);
      expect(await process.usage).toEqual(usage);
      peer.socket.destroy();
    }
    const { peer, id, process } = await scriptedProcess();
    peer.say(say.exit(id, 2, 0));
    await expect(process.exited).rejects.toThrow('nobody knows how tool ended');
    peer.socket.destroy();
  });

  it('gets signals until it has gone, its own end and its tree apart', async () => {
    const { peer, id, process } = await scriptedProcess();
    const killing = process.kill('SIGUSR1');
    const { payload } = await peer.next(6);
    expect([...payload.subarray(4)]).toEqual([0, 10]);
    peer.say(say.exit(id, 0, 0), say.reply(payload.readUInt32LE(0), 3));
    await killing;
    // Ended, but its tree may live.
    await process.kill('SIGTERM');
    const tree = process.kill('SIGTERM', 'tree');
    const second = await peer.next(6);
    expect([...second.payload.subarray(4)]).toEqual([2, 15]);
    peer.say(say.reply(second.payload.readUInt32LE(0), 1));
    await expect(tree).rejects.toMatchObject({ code: 'EPERM' });
    await expect(process.kill('SIGBREAK')).rejects.toThrow('Linux has no signal SIGBREAK');
    peer.say(say.outputEnd(id, 1), say.outputEnd(id, 2), say.gone(id));
    await once(process.stdin!, 'close');
    await process.kill('SIGKILL', 'tree');
    expect(await process.descendants()).toEqual([]);
    await process.resize({ columns: 1, rows: 1 });
    expect(peer.unread).toEqual([]);
    peer.socket.destroy();
  });

  it('lists its descendants', async () => {
    const { peer, process } = await scriptedProcess();
    const listing = process.descendants();
    const request = (await peer.next(10)).payload.readUInt32LE(0);
    const names = Buffer.concat([numbers(5), Buffer.from('sh\0'), numbers(6), Buffer.from('a b\0')]);
    peer.say(say.reply(request, 0, names));
    expect(await listing).toEqual([
      { pid: 5, name: 'sh' },
      { pid: 6, name: 'a b' },
    ]);
    peer.socket.destroy();
  });

  it('has one output with a terminal, and says its new size', async () => {
    const { peer, process } = await scriptedProcess({ ...COMMAND, tty: { columns: 80, rows: 24 } });
    expect(await process.stderr.toArray()).toEqual([]);
    await expect(process.resize({ columns: 300, rows: 70_000 })).rejects.toThrow(RangeError);
    await process.resize({ columns: 300, rows: 65_535 });
    const { payload } = await peer.next(7);
    expect([payload.readUInt16LE(0), payload.readUInt16LE(2)]).toEqual([300, 65_535]);
    peer.socket.destroy();
  });
});
