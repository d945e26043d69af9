import type { EnvironmentRequest } from '@companion/core/backend';
import { expect, test } from 'vitest';
import { extraHosts } from '../../src/container/networks.js';
import type { Engine } from '../../src/engine/engine.js';

const request = { network: 'default' } as EnvironmentRequest;
const hosts = (engine: Partial<Engine>) => extraHosts({ engine: engine as Engine, options: {}, request });

test.each([
  ['docker', '20.10.24'],
  ['podman', '4.7.0'],
  ['podman', '4.10.1'],
  ['podman', '5.2.0'],
] as const)('%s %s knows the word for its host', async (kind, version) => {
  expect(await hosts({ kind, version })).toEqual(['host.docker.internal:host-gateway']);
});

test('an older Podman without root, on this machine, is told its address', async () => {
  const rootless = { kind: 'podman', version: '4.6.9', rootless: true } as const;
  for (const host of await hosts({ ...rootless, filesystemIsShared: true })) {
    expect(host).toMatch(/^host\.docker\.internal:(?!127\.)[\d.]+$/);
  }
  expect(await hosts({ ...rootless, filesystemIsShared: false })).toEqual([]);
});
