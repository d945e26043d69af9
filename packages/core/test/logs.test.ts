import { once } from 'node:events';
import type { LogLine, LogOptions } from '@companion/core';
import { describe, expect, it } from 'vitest';
import { FakeProcess } from './fake-backend.js';
import { type FakeCompanion, startedFake } from './fake-companion.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function withMain(): Promise<FakeCompanion & { readonly main: FakeProcess }> {
  const main = new FakeProcess();
  const companion = await startedFake({ start: () => ({ main }) }, { pause: false, command: ['serve'] });
  return Object.assign(companion, { main });
}

async function read(companion: FakeCompanion, options?: LogOptions): Promise<string[]> {
  const lines: string[] = [];
  for await (const { stream, line } of companion.runner.logs(options)) lines.push(`${stream}: ${line}`);
  return lines;
}

describe('the main process', () => {
  it('is a process of the companion while it is ready', async () => {
    const companion = await withMain();
    const { runner, main } = companion;
    expect(runner.main?.isRunning()).toBe(true);
    main.exit(3);
    expect(await runner.main?.wait()).toEqual({ code: 3, signal: null });
    // Its end does not end the environment.
    expect(runner.state).toBe('ready');
    expect((await runner.spawn('tool')).isRunning()).toBe(true);
    await runner.shutdown();
    expect(runner.main).toBeUndefined();
  });

  it('is ended by stop(), and a new one comes with init()', async () => {
    const mains: FakeProcess[] = [];
    const { runner } = await startedFake(
      {
        start: () => {
          const main = new FakeProcess();
          mains.push(main);
          return { main };
        },
      },
      { pause: false },
    );
    await runner.stop();
    expect(mains[0]?.kills).toContain('SIGTERM tree');
    await runner.init();
    expect(mains).toHaveLength(2);
    expect(runner.main?.isRunning()).toBe(true);
    await runner.shutdown();
  });

  it('that nobody listens to never blocks, and keeps its last output', async () => {
    const companion = await withMain();
    for (let index = 0; index < 100; index += 1) {
      if (!companion.main.stdout.write(`${'x'.repeat(65_000)}\n`)) await once(companion.main.stdout, 'drain');
    }
    companion.main.stdout.write('last\n');
    await tick();
    await tick();
    expect((await read(companion)).at(-1)).toBe('stdout: last');
    await companion.runner.shutdown();
  });
});

describe('logs()', () => {
  it('gives what the main process has said, in the order in which it came', async () => {
    const companion = await withMain();
    companion.main.stdout.write('one\ntw');
    await tick();
    companion.main.stderr.write('error\n');
    await tick();
    companion.main.stdout.write('o\n');
    await tick();
    expect(await read(companion)).toEqual(['stdout: one', 'stderr: error', 'stdout: two']);
    expect(await read(companion)).toHaveLength(3);
    await companion.runner.shutdown();
  });

  it('follows until the main process has closed its outputs', async () => {
    const companion = await withMain();
    companion.main.stdout.write('before\n');
    const followed = [read(companion, { follow: true }), read(companion, { follow: true })];
    await tick();
    companion.main.stderr.write('while\n');
    await tick();
    companion.main.stdout.end('last');
    companion.main.exit(0);
    for (const lines of followed)
      expect(await lines).toEqual(['stdout: before', 'stderr: while', 'stdout: last']);
    await companion.runner.shutdown();
  });

  it.each(['stop', 'shutdown'] as const)('ends with %s()', async (method) => {
    const companion = await withMain();
    companion.main.stdout.write('line\n');
    const following = read(companion, { follow: true });
    await tick();
    await companion.runner[method]();
    expect(await following).toEqual(['stdout: line']);
  });

  it('can be left at any time', async () => {
    const companion = await withMain();
    companion.main.stdout.write('one\ntwo\n');
    await tick();
    for await (const { line } of companion.runner.logs({ follow: true })) {
      expect(line).toBe('one');
      break;
    }
    const waiting = companion.runner.logs({ follow: true });
    for (let index = 0; index < 2; index += 1) await waiting.next();
    const pending = waiting.next();
    const left = waiting.return();
    companion.main.exit(0);
    await Promise.all([pending, left]);
    await companion.runner.shutdown();
  });

  it('keeps the last 10,000 lines, and a reader that fell behind goes on with the oldest kept', async () => {
    const companion = await withMain();
    const lines = companion.runner.logs();
    companion.main.stdout.write('first\n');
    await tick();
    const seen: LogLine[] = [(await lines.next()).value as LogLine];
    companion.main.stdout.write(Array.from({ length: 20_000 }, (_, index) => `${index}\n`).join(''));
    for (let turn = 0; turn < 20; turn += 1) await tick();
    for await (const line of lines) seen.push(line);
    expect(seen.map(({ line }) => line)).toEqual([
      'first',
      ...Array.from({ length: 10_000 }, (_, index) => `${index + 10_000}`),
    ]);
    await companion.runner.shutdown();
  });

  it('does not grow without bound with long lines', async () => {
    const companion = await withMain();
    const megabyte = `${'x'.repeat(1_000_000)}\n`;
    for (let index = 0; index < 60; index += 1) {
      if (!companion.main.stdout.write(megabyte)) await once(companion.main.stdout, 'drain');
    }
    await tick();
    const bytes = (await read(companion)).reduce((sum, line) => sum + line.length, 0);
    expect(bytes).toBeLessThan(33_000_000);
    await companion.runner.shutdown();
  });

  it('is empty without a main process, and refused before init()', async () => {
    const companion = await startedFake();
    expect(await read(companion)).toEqual([]);
    expect(companion.runner.main).toBeUndefined();
    await companion.runner.shutdown();
    await expect(read(companion)).rejects.toMatchObject({ code: 'COMPANION_WRONG_STATE' });
  });
});
