import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { command, isRunnable, startSupervisor, textOf, WHERE } from './real-supervisor.js';

const tty = { columns: 100, rows: 30 };

/** Reads until the text has come. */
function reader(stream: Readable): (text: string) => Promise<string> {
  let seen = '';
  let arrived = (): void => {};
  stream.on('data', (chunk: Buffer) => {
    seen += chunk.toString('utf8');
    arrived();
  });
  return async (text) => {
    while (!seen.includes(text)) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
    return seen;
  };
}

describe.runIf(isRunnable)(`a terminal ${WHERE}`, () => {
  it('is all three streams and the controlling one, and has its size', async () => {
    const { supervisor } = await startSupervisor();
    const script =
      'test -t 0 && test -t 1 && test -t 2 && stty size && echo error >&2 && echo tty > /dev/tty';
    const process = await supervisor.spawn(command('sh', ['-c', script], { stdin: 'pipe', tty }));
    expect(await textOf(process.stdout)).toBe('30 100\r\nerror\r\ntty\r\n');
    expect(await textOf(process.stderr)).toBe('');
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });

  it('knows that a character may be several bytes', async () => {
    const { supervisor } = await startSupervisor();
    const process = await supervisor.spawn(command('stty', ['-a'], { stdin: 'pipe', tty }));
    expect(await textOf(process.stdout)).toMatch(/(?<!-)\biutf8\b/);
  });

  it('is at its end at once where nothing is to be read', async () => {
    const { supervisor } = await startSupervisor();
    const script = 'test -t 0 && test -t 1 && test -t 2 && cat && echo end';
    const process = await supervisor.spawn(command('sh', ['-c', script], { tty }));
    expect(process.stdin).toBeNull();
    expect(await textOf(process.stdout)).toContain('end');
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });

  it('tells its new size', async () => {
    const { supervisor } = await startSupervisor();
    const script = 'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.01; done';
    const process = await supervisor.spawn(command('sh', ['-c', script], { stdin: 'pipe', tty }));
    const read = reader(process.stdout);
    await read('ready');
    await process.resize({ columns: 132, rows: 43 });
    expect(await read('132')).toContain('43 132');
    expect((await process.exited).code).toBe(0);
  });

  it('interrupts its process by Ctrl-C, and ends its input by end()', async () => {
    const { supervisor } = await startSupervisor();
    const cat = await supervisor.spawn(command('cat', [], { stdin: 'pipe', tty }));
    const read = reader(cat.stdout);
    cat.stdin!.write('hello\n');
    await read('hello\r\nhello\r\n');
    cat.stdin!.write('\x03');
    expect(await cat.exited).toEqual({ code: null, signal: 'SIGINT' });
    const other = await supervisor.spawn(command('cat', [], { stdin: 'pipe', tty }));
    other.stdin!.end('bye\n');
    expect(await textOf(other.stdout)).toContain('bye\r\nbye\r\n');
    expect(await other.exited).toEqual({ code: 0, signal: null });
  });

  it('ends its input in the middle of a line, and but once after one', async () => {
    const { supervisor } = await startSupervisor();
    const cat = await supervisor.spawn(command('cat', [], { stdin: 'pipe', tty }));
    cat.stdin!.end('unfinished');
    expect(await textOf(cat.stdout)).toContain('unfinished');
    expect(await cat.exited).toEqual({ code: 0, signal: null });
    // What ends the first must not end the second.
    const script = 'cat; echo then; read -r line; echo "got $line $?"';
    const both = await supervisor.spawn(command('sh', ['-c', script], { stdin: 'pipe', tty }));
    const read = reader(both.stdout);
    both.stdin!.end('whole\n');
    expect(await read('then')).not.toContain('got');
    await both.kill('SIGKILL', 'tree');
  });

  it('carries more than a line at once', async () => {
    const { supervisor } = await startSupervisor();
    const script = 'stty raw -echo; echo ready; head -c 300000 | wc -c';
    const process = await supervisor.spawn(command('sh', ['-c', script], { stdin: 'pipe', tty }));
    const read = reader(process.stdout);
    await read('ready');
    process.stdin!.write(Buffer.alloc(300_000, 'x'));
    expect(await read('300000')).toContain('300000');
    expect((await process.exited).code).toBe(0);
  });

  it('hangs up when its process is killed', async () => {
    const { supervisor } = await startSupervisor();
    const process = await supervisor.spawn(
      command('sh', ['-c', 'sleep 1000 & echo ready; wait'], { stdin: 'pipe', tty }),
    );
    await reader(process.stdout)('ready');
    await process.kill('SIGKILL', 'tree');
    expect(await process.exited).toEqual({ code: null, signal: 'SIGKILL' });
    if (!process.stdout.readableEnded) await new Promise((resolve) => process.stdout.once('end', resolve));
    expect(await process.descendants()).toEqual([]);
  });
});
