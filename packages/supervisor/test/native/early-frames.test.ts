import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { supervisorBinary } from '../../src/binary.js';
import { type ClientFrame, frame, numbers, parseFrames } from '../frames.js';

const HELLO = frame(1, 0, Buffer.from([1, 0, 0, 0]));
const [OUTPUT, EXIT, REPLY, GONE] = [132, 134, 136, 137];

function spawnFrame(argv: readonly string[], { flags = 0, path = '/usr/bin:/bin' } = {}): Buffer {
  const head = numbers(flags, 65_536, 65_536, (24 << 16) | 80, 0, 0, argv.length, 1);
  const strings = ['/', ...argv, `PATH=${path}`].map((one) => `${one}\0`).join('');
  return frame(2, 1, Buffer.concat([head, Buffer.from(strings)]));
}

const signal = (request: number, target: number, name: 'SIGKILL' | 'SIGTERM') =>
  frame(6, 1, Buffer.concat([numbers(request), Buffer.from([target, constants.signals[name]])]));

/** Sends everything at once, as no client waits, and returns what has come until `last` of id 1; then ends the stream. */
async function converse(
  frames: readonly Buffer[],
  last: number,
  env = process.env,
  answer?: { readonly after: number; readonly frame: Buffer },
): Promise<ClientFrame[]> {
  const child = spawn(supervisorBinary(), { stdio: ['pipe', 'pipe', 'inherit'], env });
  const exited = once(child, 'exit');
  child.stdin.write(Buffer.concat([HELLO, ...frames]));
  const came: ClientFrame[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of child.stdout) {
    const parsed = parseFrames(Buffer.concat([rest, piece]));
    came.push(...parsed.frames);
    if (parsed.frames.some(({ type, id }) => id === 1 && type === answer?.after))
      child.stdin.write(answer!.frame);
    rest = parsed.rest;
    if (came.some(({ type, id }) => id === 1 && type === last)) child.stdin.end();
  }
  expect(await exited).toEqual([0, null]);
  return came;
}

const typesOf = (frames: readonly ClientFrame[]) =>
  frames.filter(({ id }) => id === 1).map(({ type }) => type);
const repliesOf = (frames: readonly ClientFrame[]) =>
  frames.filter(({ type }) => type === REPLY).map(({ payload }) => [...payload]);

describe.runIf(process.platform === 'linux')('frames that come before the program has started', () => {
  it.each([0, 1, 2])('signal it alone once it has (target %i)', async (target) => {
    const frames = await converse([spawnFrame(['sleep', '1000']), signal(7, target, 'SIGTERM')], GONE);
    expect(typesOf(frames)[0]).toBe(130);
    const exit = frames.find(({ type }) => type === EXIT);
    expect([...(exit?.payload.subarray(0, 2) ?? [])]).toEqual([1, 15]);
    expect(repliesOf(frames)).toEqual([[7, 0, 0, 0, 0, 0, 0, 0]]);
  });

  it('are answered when it cannot be', async () => {
    const frames = await converse([spawnFrame(['']), signal(7, 0, 'SIGTERM'), signal(8, 2, 'SIGKILL')], 131);
    expect(frames.find(({ type }) => type === 131)?.payload).toEqual(Buffer.from([5, 0, 0, 0, 2, 0, 0, 0]));
    expect(repliesOf(frames).map(([request]) => request)).toEqual([7, 8]);
  });

  it('close its outputs and feed it, and nothing is said before STARTED', async () => {
    const closes = [1, 2].map((stream) => frame(9, 1, Buffer.from([stream])));
    const input = frame(3, 1, Buffer.alloc(40_000, 'x'));
    const frames = await converse([spawnFrame(['wc'], { flags: 1 }), ...closes, input, frame(4, 1)], GONE);
    expect(typesOf(frames)[0]).toBe(130);
    expect(typesOf(frames).filter((type) => type === 133)).toHaveLength(2);
    expect(typesOf(frames)).not.toContain(OUTPUT);
  });
});

describe.runIf(process.platform === 'linux')('a CLOSE that comes before the program has started', () => {
  it('hangs a terminal up', async () => {
    const close = frame(9, 1, Buffer.from([1]));
    const frames = await converse([spawnFrame(['sleep', '1000'], { flags: 3 }), close], GONE);
    const exit = frames.find(({ type }) => type === EXIT);
    expect([...(exit?.payload.subarray(0, 2) ?? [])]).toEqual([1, constants.signals.SIGHUP]);
  });
});

describe.runIf(process.platform === 'linux')('a signal to a group', () => {
  it('reaches those that its first process has left', async () => {
    const sh = spawnFrame(['sh', '-c', 'sleep 1000 & exit 3']);
    const frames = await converse([sh], GONE, process.env, { after: EXIT, frame: signal(7, 1, 'SIGTERM') });
    const exit = frames.find(({ type }) => type === EXIT);
    expect([...(exit?.payload.subarray(0, 2) ?? [])]).toEqual([0, 3]);
    expect(repliesOf(frames)).toEqual([[7, 0, 0, 0, 0, 0, 0, 0]]);
  });
});

describe.runIf(process.platform === 'linux')('much that is asked at once', () => {
  const lists = (count: number) =>
    Array.from({ length: count }, (_, request) => frame(10, 1, numbers(1000 + request)));

  it('does not keep others waiting', { timeout: 60_000 }, async () => {
    const ping = frame(13, 0, numbers(7));
    const end = frame(6, 1, Buffer.concat([numbers(8), Buffer.from([2, constants.signals.SIGKILL])]));
    const frames = await converse([spawnFrame(['sleep', '1000']), ...lists(15_000), ping, end], GONE);
    const replies = repliesOf(frames).map((payload) => Buffer.from(payload).readUInt32LE(0));
    expect(replies).toHaveLength(15_002);
    // Each look into /proc takes a while: one serves many.
    expect(replies.indexOf(7)).toBeLessThan(15_000);
  });

  it('is not compared one by one with the variables that it is added to', { timeout: 60_000 }, async () => {
    const variables = 2_000_000;
    const head = numbers(8, 65_536, 65_536, 0, 0, 0, 1, variables);
    const strings = Buffer.concat([Buffer.from('/\0true\0'), Buffer.alloc(variables * 3, 'A=\0')]);
    const own = Array.from({ length: 1000 }, (_, index) => [`A${index}`, `${index}`]);
    const started = performance.now();
    const frames = await converse(
      [frame(2, 1, Buffer.concat([head, strings]))],
      131,
      Object.fromEntries(own),
    );
    expect(frames.find(({ type }) => type === 131)?.payload).toEqual(Buffer.from([5, 1, 0, 0, 7, 0, 0, 0]));
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe.runIf(process.platform === 'linux')('a supervisor', () => {
  it('ends the input of a terminal after what has come for it', async () => {
    const lines = frame(3, 1, Buffer.from(`${'x'.repeat(99)}\n`.repeat(300)));
    const script = 'stty -echo; wc -c';
    const frames = await converse([spawnFrame(['sh', '-c', script], { flags: 3 }), lines, frame(4, 1)], GONE);
    const output = Buffer.concat(
      frames.filter(({ type }) => type === OUTPUT).map(({ payload }) => payload.subarray(1)),
    );
    expect(output.toString()).toContain('30000');
  });

  it('looks up a name as long as a path in an empty entry of PATH', async () => {
    const frames = await converse([spawnFrame(['n'.repeat(4094)], { path: ':/bin' })], 131);
    expect(frames.find(({ type }) => type === 131)?.payload[0]).toBe(5);
  });
});
