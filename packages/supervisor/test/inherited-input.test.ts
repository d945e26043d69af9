import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { say } from './frames.js';
import { COMMAND, scriptedProcess } from './scripted-peer.js';

const own = Object.getOwnPropertyDescriptor(process, 'stdin')!;
let stdin: PassThrough;

beforeEach(() => {
  stdin = new PassThrough();
  Object.defineProperty(process, 'stdin', { configurable: true, value: stdin });
});
afterEach(() => {
  Object.defineProperty(process, 'stdin', own);
});

describe('stdin: inherit', () => {
  it("feeds a process from this program's standard input, which nobody else can write to", async () => {
    const { peer, process: one } = await scriptedProcess({ ...COMMAND, stdin: 'inherit' });
    expect(one.stdin).toBeNull();
    stdin.end('typed');
    expect((await peer.next(3)).payload.toString()).toBe('typed');
    await peer.next(4);
  });

  it('leaves for the next process what this one did not read before it ended', async () => {
    const { peer, id, process: one } = await scriptedProcess({ ...COMMAND, stdin: 'inherit' });
    stdin.write('first');
    await peer.next(3);
    peer.say(say.exit(id, 0, 0));
    await one.exited;
    stdin.write('second');
    expect(stdin.isPaused()).toBe(true);
    expect(String(stdin.read())).toBe('second');
  });
});
