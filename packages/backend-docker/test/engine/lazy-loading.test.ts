import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connectEngine } from '../../src/engine/engine.js';
import { findEngine } from '../../src/engine/find-engine.js';
import { engineOf, httpPeer } from './peer.js';

const loaded = (): string[] =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => /[\\/]dockerode[\\/]/.test(path));

it('loads dockerode for its use and not for finding an engine', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'companion-lazy-'));
  const path = join(directory, 'docker.sock');
  try {
    await using _peer = await httpPeer(
      path,
      engineOf({ 'Api-Version': '1.41', Server: 'Docker/20.10.24 (linux)' }),
    );
    const answer = await findEngine({ host: path }, { env: {} });
    if (!answer.available) throw new Error(answer.reason);
    expect(loaded()).toEqual([]);
    await connectEngine(answer);
    expect(loaded()).not.toEqual([]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
