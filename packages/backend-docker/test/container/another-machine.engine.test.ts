// An engine whose files are others: what a port leads to that has another host's name.
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { Companions, failureOf, say } from './companions.js';

eachEngine('an engine on another machine', (engine) => {
  const own = Buffer.from(`"Name":"${hostname()}"`);
  const other = Buffer.from(`"Name":"${'x'.repeat(hostname().length)}"`);
  // Everything passes as it is, but for the name of the machine.
  const door = createServer({ allowHalfOpen: true }, (client) => {
    const onward = connect({ path: new URL(engine.address).pathname, allowHalfOpen: true });
    client.pipe(onward);
    onward.on('data', (chunk: Buffer) => {
      const at = chunk.indexOf(own);
      if (at >= 0) other.copy(chunk, at);
      client.write(chunk);
    });
    onward.on('end', () => client.end());
    const end = () => {
      client.destroy();
      onward.destroy();
    };
    for (const one of [client, onward]) one.on('error', end).on('close', end);
  });
  let host = '';
  beforeAll(async () => {
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    host = `tcp://127.0.0.1:${(door.address() as AddressInfo).port}`;
  });
  afterAll(() => void door.close());
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

  test('what a copy cannot be is refused', async () => {
    for (const how of [{ readOnly: true }, { strict: true }]) {
      const mounts = [{ hostPath: import.meta.dirname, companionPath: '/tests', ...how }];
      expect(String(await failureOf(companions.start({ name: 'far', mounts }, { host })))).toContain(
        'copied',
      );
    }
    expect(await failureOf(companions.start({ name: 'far' }, { host, readOnlyRoot: true }))).toMatchObject({
      code: 'COMPANION_UNSUPPORTED',
    });
    expect(await failureOf(companions.start({ name: 'far' }, { host, engineSocket: true }))).toMatchObject({
      code: 'COMPANION_UNSUPPORTED',
    });
    expect((await companions.containers('far')).map(({ Id }) => Id)).toEqual([]);
  });
});
