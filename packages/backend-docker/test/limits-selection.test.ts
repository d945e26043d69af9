import { createServer } from 'node:http';
import { type CompanionOptions, explainSelection } from '@companion/core';
import { expect, test } from 'vitest';
import { dockerBackend } from '../src/backend.js';
import { engineOf, listening } from './engine/peer.js';

test('an engine is passed over for limits that it cannot enforce, and for no others', async () => {
  const info = { Architecture: 'x86_64', CpuCfsQuota: false };
  await using engine = await listening(createServer(engineOf({ 'Api-Version': '1.41' }, { '/info': info })));
  const host = `tcp://127.0.0.1:${engine.port}`;
  const report = async (limits?: CompanionOptions['limits']) => {
    const [docker] = await explainSelection({
      sourceDir: import.meta.dirname,
      image: 'tool:1',
      backends: [dockerBackend],
      backendOptions: { docker: { host } },
      ...(limits === undefined ? {} : { limits }),
    });
    return docker;
  };
  expect(await report({ memoryBytes: 1e8 })).toMatchObject({
    verdict: 'chosen',
    capabilities: { limits: true },
  });
  expect(await report({ memoryBytes: 1e8, cpus: 1 })).toMatchObject({
    verdict: 'unavailable',
    reason: `${host} (backendOptions.docker.host) cannot enforce limits.cpus`,
    hint: expect.stringContaining('delegation'),
  });
  expect(await report()).toMatchObject({ verdict: 'chosen', capabilities: { limits: false } });
});
