import { createRequire } from 'node:module';
import { localBackend } from '@companion/backend-local/backend';
import { expect, test } from 'vitest';
import type { ConformanceCase } from '../src/case.js';
import { heartbeat } from '../src/heartbeat.js';
import { isAlive } from '../src/liveness.js';
import { startOwner } from '../src/owner.js';
import { runCaseOn } from './run-case-on.js';

const built = createRequire(new URL('../../backend-local/package.json', import.meta.url)).resolve(
  '@companion/backend-local/backend',
);

function ownerCase(run: ConformanceCase['run']): ConformanceCase {
  return { id: 'test.owner', title: 'A test of the kit.', since: 1, requires: {}, needsModule: true, run };
}

test('an owner that is killed takes what it has started with it', async () => {
  const one = ownerCase(async (context) => {
    const heart = heartbeat(context, await context.create(), 'heart');
    const owner = await startOwner(context, { commands: [heart.deafCommand] });
    await heart.waitForBeats();
    expect(await isAlive(owner.pid)).toBe(true);
    await owner.kill();
    expect(await isAlive(owner.pid)).toBe(false);
    await heart.assertStops();
  });
  const { failures } = await runCaseOn(one, { backend: localBackend, module: `${built}#localBackend` });
  expect(failures).toEqual([]);
});

test('an owner that ends shuts its companion down', async () => {
  const one = ownerCase(async (context) => {
    const heart = heartbeat(context, await context.create(), 'heart');
    const owner = await startOwner(context, { commands: [heart.command] });
    await heart.waitForBeats();
    await owner.end();
    await heart.assertStops();
  });
  const { failures } = await runCaseOn(one, { backend: localBackend, module: built });
  expect(failures).toEqual([]);
});

test('an owner that cannot start says why', async () => {
  const one = ownerCase(async (context) => {
    await startOwner(context, { commands: [['no-such-command', []]] });
  });
  const { failures } = await runCaseOn(one, { backend: localBackend, module: built });
  expect(failures).toHaveLength(1);
  expect(failures[0]).toContain('no-such-command');
});

test('an owner that stays behind fails the case and is ended', async () => {
  let pid = 0;
  const one = ownerCase(async (context) => {
    ({ pid } = await startOwner(context, { commands: [['sleep', ['60']]] }));
  });
  const { failures } = await runCaseOn(one, { backend: localBackend, module: built });
  expect(failures).toEqual([expect.stringContaining(`${pid} (`)]);
  await expect.poll(() => isAlive(pid)).toBe(false);
});
