import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { expect, test } from 'vitest';
import { checkLimits } from '../../src/container/limits.js';
import { engineOf, httpPeer } from '../engine/peer.js';

const LIMITS = { memoryBytes: 64 * 1024 * 1024, cpus: 0.5, processes: 20 };
const TAKEN = { Memory: LIMITS.memoryBytes, NanoCpus: 500_000_000, PidsLimit: 22 };

test.each([
  ['memoryBytes', { ...TAKEN, Memory: 0 }],
  ['cpus', { ...TAKEN, NanoCpus: 0 }],
  ['processes', { ...TAKEN, PidsLimit: null }],
])('an engine that discards %s is refused, with that limit alone', async (name, HostConfig) => {
  const directory = await mkdtemp(join(tmpdir(), 'companion-limits-'));
  const socketPath = join(directory, 'docker.sock');
  try {
    await using _peer = await httpPeer(socketPath, engineOf({}, { '/containers/one/json': { HostConfig } }));
    const container = new Docker({ socketPath }).getContainer('one');
    await expect(checkLimits(container, LIMITS)).rejects.toMatchObject({
      code: 'COMPANION_UNSUPPORTED',
      message: expect.stringContaining(`limits.${name}`),
      hint: expect.any(String),
    });
    await checkLimits(container, { ...LIMITS, [name]: undefined });
  } finally {
    await rm(directory, { recursive: true });
  }
});
