// An engine whose files are others: what a port leads to that has another host's name.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DockerEnvironment } from '../../src/environment.js';
import { doorElsewhere } from '../engines/door.js';
import { eachEngine } from '../engines/each-engine.js';
import { Companions, failureOf, say } from './companions.js';

eachEngine('an engine on another machine', (engine) => {
  // Everything passes as it is, but for the name of the machine.
  const door = doorElsewhere(engine);
  let host = '';
  beforeAll(async () => {
    host = await door.open({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => door.close());
  const companions = new Companions(engine);

  test('files are copied in, and results out', async () => {
    await writeFile(join(companions.sourceDir, 'given'), 'given');
    const runner = await companions.start(
      { name: 'far', mounts: [{ hostPath: import.meta.dirname, companionPath: '/tests' }] },
      { host },
    );
    expect(runner.capabilities.filesystem).toBe('copied');
    expect(await say(runner, 'cat given; echo; echo result > made; ls /tests')).toMatch(
      /^given\n(.*\n)*companions\.ts/,
    );
    await runner.copyOut('/workspace/made', join(companions.sourceDir, 'back'));
    expect(await readFile(join(companions.sourceDir, 'back'), 'utf8')).toBe('result\n');
    await runner.shutdown();
    expect((await companions.containers('far')).map(({ Id }) => Id)).toEqual([]);
  });

  test('what is not used is not held: a program ends, and a count finds nothing', async () => {
    const held = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    const before = held();
    const runner = await companions.start({ name: 'far' }, { host });
    await (runner.environment as DockerEnvironment).swept;
    expect(held()).toBeLessThanOrEqual(before);
    const copied = join(companions.sourceDir, 'copied');
    await runner.copyIn(import.meta.filename, '/copies/of/test');
    await runner.copyOut('/copies/of/test', copied);
    await rm(copied);
    await Promise.all([1, 2, 3].map(() => runner.run('true')));
    expect(held()).toBeLessThanOrEqual(before);
    await runner.shutdown();
    expect(held()).toBeLessThanOrEqual(before);
  });

  test('a directory can be read-only: root cannot write it either, and nothing of it is left', async () => {
    const volumes = async () => (await companions.docker.listVolumes()).Volumes?.length ?? 0;
    const before = await volumes();
    const given = { hostPath: import.meta.dirname, companionPath: '/tests', readOnly: true };
    const inside = { hostPath: import.meta.dirname, companionPath: '/workspace/tests', strict: true };
    for (const reuse of [false, true]) {
      const runner = await companions.start({ name: 'far', reuse, mounts: [given, inside] }, { host });
      const said = await say(runner, 'ls /tests; echo x > /tests/made || echo refused');
      expect(said).toMatch(/^companions\.ts$/m);
      expect(said).toMatch(/^refused$/m);
      expect(await say(runner, 'echo x > tests/made; ls tests')).toContain('made');
      expect(await companions.containers('far')).toHaveLength(1);
      await runner.shutdown({ remove: true });
      expect(await companions.containers('far')).toEqual([]);
    }
    expect(await volumes()).toBe(before);
  });

  test('what a copy cannot be is refused', async () => {
    const mounts = [{ hostPath: import.meta.filename, companionPath: '/test', readOnly: true }];
    expect(String(await failureOf(companions.start({ name: 'far', mounts }, { host })))).toContain('copied');
    expect(await failureOf(companions.start({ name: 'far' }, { host, readOnlyRoot: true }))).toMatchObject({
      code: 'COMPANION_UNSUPPORTED',
    });
    expect(await failureOf(companions.start({ name: 'far' }, { host, engineSocket: true }))).toMatchObject({
      code: 'COMPANION_UNSUPPORTED',
    });
    expect((await companions.containers('far')).map(({ Id }) => Id)).toEqual([]);
  });
});
