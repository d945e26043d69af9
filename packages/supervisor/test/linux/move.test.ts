import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { frame, numbers, parseFrames } from '../frames.js';
import {
  command,
  isRunnable,
  processesWith,
  run,
  type Start,
  startRawSupervisor,
  startSupervisor,
  uniqueSeconds,
  WHERE,
} from './real-supervisor.js';

const parent = mkdtempSync(join(tmpdir(), 'companion-move-'));
let folder: string;
let shared: { hostDirectory: string; companionDirectory: string };

beforeEach(() => {
  folder = mkdtempSync(join(parent, 'd'));
  shared = { hostDirectory: folder, companionDirectory: folder };
});
afterAll(() => rmSync(parent, { recursive: true }));

describe.runIf(isRunnable)(`a session that moves to a socket ${WHERE}`, () => {
  it('goes on over it, with what was asked for meanwhile, and leaves no socket behind', async () => {
    const { supervisor, child } = await startSupervisor();
    let said = 0;
    const moving = supervisor.moveToSocket(shared);
    const asked = [supervisor.ping(), run(supervisor, 'echo', ['meanwhile'])] as const;
    expect(await moving).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
    child.stdout!.on('data', (chunk: Buffer) => {
      said += chunk.length;
    });
    await asked[0];
    expect((await asked[1]).stdout).toBe('meanwhile\n');
    const sent = 'x'.repeat(3_000_000);
    const cat = await supervisor.spawn(command('cat', [], { stdin: 'pipe' }));
    cat.stdin?.end(sent);
    expect(Buffer.concat(await cat.stdout.toArray()).toString()).toBe(sent);
    expect(said).toBe(0);
    const exited = once(child, 'exit');
    await supervisor.close();
    expect(await exited).toEqual([0, null]);
  });

  it('sends its signs of life there', async () => {
    const { supervisor } = await startSupervisor();
    supervisor.keepAlive();
    expect(await supervisor.moveToSocket(shared)).toBe(true);
    await supervisor.ping();
    await supervisor.close();
  });

  it('ends with the stream that it has left', async () => {
    const { supervisor, child } = await startSupervisor();
    expect(await supervisor.moveToSocket(shared)).toBe(true);
    const seconds = uniqueSeconds();
    const sleep = await supervisor.spawn(command('sleep', [seconds]));
    const exited = once(child, 'exit');
    child.stdin!.destroy();
    expect((await supervisor.lost).message).toContain('the supervisor has gone');
    await expect(sleep.exited).rejects.toThrow('the supervisor has gone');
    expect(await exited).toEqual([0, null]);
    expect(processesWith(seconds)).toEqual([]);
  });

  it('ignores what others say on the stream that it has left', async () => {
    const { supervisor, child } = await startSupervisor();
    expect(await supervisor.moveToSocket(shared)).toBe(true);
    child.stdin!.write(Buffer.alloc(100_000, 0xff));
    await supervisor.ping();
    expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
  });

  it('moves once, and not after the first process', async () => {
    const { supervisor } = await startSupervisor();
    expect(await supervisor.moveToSocket(shared)).toBe(true);
    expect(await supervisor.moveToSocket(shared)).toBe(false);
    const { supervisor: other } = await startSupervisor();
    await run(other, 'true');
    expect(await other.moveToSocket(shared)).toBe(false);
    await other.connect(1).catch(() => {});
    expect((await run(other, 'echo', ['hi'])).stdout).toBe('hi\n');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stays where there is no such directory, inside or here, or its path is too long', async () => {
    const { supervisor } = await startSupervisor();
    const long = join(folder, 'x'.repeat(100));
    mkdirSync(long);
    for (const wrong of [
      { ...shared, companionDirectory: join(folder, 'nothing') },
      { ...shared, hostDirectory: join(folder, 'nothing') },
      { hostDirectory: long, companionDirectory: folder },
      { hostDirectory: folder, companionDirectory: long },
    ]) {
      expect(await supervisor.moveToSocket(wrong)).toBe(false);
    }
    expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
    expect(readdirSync(folder)).toEqual(['x'.repeat(100)]);
  });
});

async function listenAt(path: string): Promise<{ met: Promise<Socket>; close: () => void }> {
  const server = createServer().listen(path);
  const met = once(server, 'connection').then(([socket]) => socket as Socket);
  await once(server, 'listening');
  return { met, close: () => server.close() };
}

/** The client's side of the protocol by hand, up to the answer to MOVE. */
async function moveByHand(
  path: string,
  { token = Buffer.alloc(16, 7), ...how }: Start & { token?: Buffer } = {},
) {
  const child = startRawSupervisor(undefined, how);
  const payload = Buffer.concat([numbers(5), token, Buffer.from(`${path}\0`)]);
  child.stdin.write(Buffer.concat([frame(1, 0, Buffer.from([1, 0, 0, 0])), frame(14, 0, payload)]));
  let said: Buffer = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    said = Buffer.concat([said, chunk]);
  });
  for (;;) {
    const [hello, answer] = parseFrames(said).frames;
    if (hello !== undefined && answer !== undefined) return { child, answer, said: () => said };
    await once(child.stdout, 'data');
  }
}

function linkToItself(path: string): string {
  symlinkSync(path, path);
  return path;
}

describe.runIf(isRunnable)(`MOVE ${WHERE}`, () => {
  it('says the token first, and nothing more on the stream after the answer', async () => {
    const path = join(folder, 's');
    const { met, close } = await listenAt(path);
    const token = Buffer.from('0123456789abcdef');
    const { child, answer, said } = await moveByHand(path, { token });
    expect(answer).toEqual({ type: 136, id: 0, payload: numbers(5, 0) });
    const before = said().length;
    const socket = await met;
    socket.write(frame(13, 0, numbers(6)));
    let came: Buffer = Buffer.alloc(0);
    while (came.length < 16 + 17) came = Buffer.concat([came, ...(await once(socket, 'data'))]);
    expect(came).toEqual(Buffer.concat([token, frame(136, 0, numbers(6, 0))]));
    expect(said().length).toBe(before);
    const exited = once(child, 'exit');
    socket.destroy();
    expect(await exited).toEqual([0, null]);
    close();
  });

  it.each([
    ['nobody listens', 2, (path: string) => path],
    ['it leads in a circle', 40, linkToItself],
    ['it is no socket', 111, () => '/dev/null'],
  ])('is answered with why, and changes nothing: %s', async (_what, errno, makePath) => {
    const { child, answer } = await moveByHand(makePath(join(folder, 's')));
    expect(answer.payload).toEqual(numbers(5, errno));
    child.stdin.write(frame(13, 0, numbers(6)));
    const [chunk] = await once(child.stdout, 'data');
    expect(chunk).toEqual(frame(136, 0, numbers(6, 0)));
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.each([
    ['without a path', Buffer.alloc(20)],
    ['with an empty path', Buffer.alloc(21)],
    ['without the end of its path', Buffer.concat([Buffer.alloc(20), Buffer.from('/tmp/s')])],
    ['with two ends of its path', Buffer.concat([Buffer.alloc(20), Buffer.from('/tmp\0s\0')])],
    ['with too long a path', Buffer.concat([Buffer.alloc(20), Buffer.from(`/${'x'.repeat(107)}\0`)])],
  ])('%s is a broken rule', async (_what, payload) => {
    const child = startRawSupervisor();
    child.stdin.write(Buffer.concat([frame(1, 0, Buffer.from([1, 0, 0, 0])), frame(14, 0, payload)]));
    const said = Buffer.concat(await child.stdout.toArray());
    const last = parseFrames(said).frames.at(-1);
    expect(last?.type).toBe(138);
    expect(last?.payload.toString()).toBe('MOVE is a request, a token and the path of a socket');
  });
});

const isRoot = process.getuid?.() === 0;

describe.runIf(isRunnable && isRoot)(`a socket of another user ${WHERE}, as root`, () => {
  it('is reached also without the right to pass over permissions', async () => {
    const path = join(folder, 's');
    const { met, close } = await listenAt(path);
    chmodSync(parent, 0o755);
    chmodSync(path, 0o600);
    for (const one of [folder, path]) chownSync(one, 54_321, 54_321);
    const dropped = '--bounding-set=-dac_override,-dac_read_search';
    const { child, answer } = await moveByHand(path, { wrapper: ['setpriv', dropped] });
    expect(answer.payload).toEqual(numbers(5, 0));
    // It is as untraceable as before.
    expect(statSync(`/proc/${child.pid}/fd`).uid).toBe(0);
    (await met).destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
    close();
  });
});
