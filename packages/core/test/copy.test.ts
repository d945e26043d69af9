import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompanionRunner } from '@companion/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startedFake } from './fake-companion.js';

let root: string;
let runner: CompanionRunner;
const at = (...parts: readonly string[]): string => join(root, ...parts);

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'companion-copy-'));
  mkdirSync(at('source', 'tree', 'deep'), { recursive: true });
  mkdirSync(at('mount'));
  writeFileSync(at('source', 'file'), 'content');
  writeFileSync(at('source', 'tree', 'deep', 'leaf'), 'leaf');
  symlinkSync('deep/leaf', at('source', 'tree', 'link'));
  const options = { sourceDir: at('source'), mounts: [{ hostPath: at('mount'), companionPath: '/mnt' }] };
  ({ runner } = await startedFake({}, options));
});
afterEach(async () => {
  await runner.shutdown();
  rmSync(root, { recursive: true });
});

describe('on a shared filesystem', () => {
  it('a file goes to the place that its companion path stands for, and comes back', async () => {
    await runner.copyIn('file', '/mnt/new/place');
    expect(readFileSync(at('mount', 'new', 'place'), 'utf8')).toBe('content');
    await runner.copyOut('/mnt/new/place', 'back');
    expect(readFileSync(at('source', 'back'), 'utf8')).toBe('content');
  });

  it('a companion path may be what toCompanionPath() gave', async () => {
    await runner.copyIn('file', runner.toCompanionPath('copy'));
    expect(readFileSync(at('source', 'copy'), 'utf8')).toBe('content');
  });

  it('a relative companion path is taken from the workspace, wherever this program runs', async () => {
    await runner.copyIn('file', 'beside');
    expect(readFileSync(at('source', 'beside'), 'utf8')).toBe('content');
    await runner.copyOut('beside', at('out'));
    expect(readFileSync(at('out'), 'utf8')).toBe('content');
  });

  it('a directory is merged into what is there, links as links', async () => {
    mkdirSync(at('mount', 'tree'));
    writeFileSync(at('mount', 'tree', 'kept'), 'kept');
    await runner.copyIn('tree', '/mnt/tree');
    expect(readFileSync(at('mount', 'tree', 'kept'), 'utf8')).toBe('kept');
    expect(readFileSync(at('mount', 'tree', 'deep', 'leaf'), 'utf8')).toBe('leaf');
    expect(readlinkSync(at('mount', 'tree', 'link'))).toBe('deep/leaf');
  });

  it('a copy onto itself is done already', async () => {
    await runner.copyIn('file', '/workspace/file');
    await runner.copyOut('/workspace/file', 'file');
    expect(readFileSync(at('source', 'file'), 'utf8')).toBe('content');
  });

  it.each(['/etc/companion-test', '/workspace/../../etc/companion-test', '/', '../outside'])(
    'only what is mounted is written: %s is refused',
    async (companionPath) => {
      const refused = expect.objectContaining({
        code: 'COMPANION_PATH_NOT_MAPPED',
        hint: expect.any(String),
      });
      await expect(runner.copyIn('file', companionPath)).rejects.toEqual(refused);
      await expect(runner.copyOut(companionPath, 'out')).rejects.toEqual(refused);
    },
  );

  it('what does not exist cannot be copied, and the message names it', async () => {
    await expect(runner.copyIn('missing', '/mnt/x')).rejects.toThrow(/missing/);
    await expect(runner.copyOut('/mnt/missing', 'x')).rejects.toThrow(/missing/);
  });
});

it('a backend that copies itself gets absolute paths of both sides', async () => {
  const copies: string[][] = [];
  const copied = await startedFake(
    {
      capabilities: { filesystem: 'copied' },
      copyIn: async (from, to) => void copies.push(['in', from, to]),
      copyOut: async (from, to) => void copies.push(['out', from, to]),
    },
    { sourceDir: at('source') },
  );
  await copied.runner.copyIn('file', '/etc/file');
  await copied.runner.copyOut('/etc/file', 'back');
  await copied.runner.copyIn('file', 'relative');
  expect(copies).toEqual([
    ['in', at('source', 'file'), '/etc/file'],
    ['out', '/etc/file', at('source', 'back')],
    ['in', at('source', 'file'), '/workspace/relative'],
  ]);
  await copied.runner.shutdown();
});

it('what such a backend rejects with is its own error', async () => {
  const error = new Error('no space left on device');
  const full = await startedFake({
    capabilities: { filesystem: 'copied' },
    copyIn: () => Promise.reject(error),
    copyOut: () => Promise.reject(error),
  });
  await expect(full.runner.copyIn('file', '/file')).rejects.toBe(error);
  await expect(full.runner.copyOut('/file', 'file')).rejects.toBe(error);
  await full.runner.shutdown();
});

it('arguments that are no paths are refused', async () => {
  for (const call of [
    () => runner.copyIn('', '/mnt/x'),
    () => runner.copyIn('file', ''),
    () => runner.copyOut('a\0b', 'x'),
    () => runner.copyOut('/mnt/x', 5 as never),
  ])
    await expect(call()).rejects.toThrow(TypeError);
});
