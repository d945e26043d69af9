// The examples of docs/docker.md: each region stands there word for word (scripts/check-docs.mjs).
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dockerBackend } from '@companion/backend-docker/backend';
import { startCompanion } from '@companion/core';
import { expect, test } from 'vitest';
import { eachEngine } from './each-engine.js';
import { makeProject } from './project.js';

eachEngine('docs/docker.md', (engine) => {
  test('a companion in a container', async () => {
    using project = makeProject();
    const [sourceDir, image, host] = [project.directory, engine.images.busybox, engine.address];
    const backends = [dockerBackend];
    // #region hardened
    const runner = await startCompanion({
      sourceDir,
      image, // 'node:24', or what you have
      backends, // or those that you have imported
      network: 'none',
      limits: { memoryBytes: 512 * 1024 ** 2, processes: 100 },
      backendOptions: {
        docker: { host, capDrop: ['ALL'], readOnlyRoot: true, securityOptions: ['no-new-privileges'] },
      },
    });
    // #endregion
    try {
      await runner.run('sh', ['-c', 'echo made inside > result; touch /forbidden || echo sealed >> result']);
    } finally {
      await runner.shutdown();
    }
    const result = join(sourceDir, 'result');
    expect(readFileSync(result, 'utf8')).toBe('made inside\nsealed\n');
    expect(statSync(result).uid).toBe(process.getuid?.());
  });

  test('a companion that is kept', async () => {
    using project = makeProject();
    const name = `guide-${process.pid}`;
    const options = {
      ...{ name, sourceDir: project.directory, image: engine.images.busybox, backends: [dockerBackend] },
      backendOptions: { docker: { host: engine.address } },
    };
    const started: string[] = [];
    // #region kept
    const first = await startCompanion({ ...options, reuse: true });
    await first.run('sh', ['-c', 'echo installed > /tool']); // what takes its time, once
    await first.shutdown(); // leaves it

    const second = await startCompanion({
      ...options,
      reuse: true,
      onEvent: (event) => {
        if (event.topic === 'environment' && event.type === 'started')
          started.push(event.reused ?? 'made anew');
      },
    });
    const { stdout } = await second.run('cat', ['/tool']);
    await second.shutdown({ remove: true }); // ends and removes it
    // #endregion
    expect({ stdout, started }).toEqual({
      stdout: 'installed\n',
      started: ['the name and the configuration are the same'],
    });
  });
});
