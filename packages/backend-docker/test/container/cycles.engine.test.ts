// What starting and ending companions leaves behind in the program that does it.
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { Companions } from './companions.js';

const packageFolder = join(import.meta.dirname, '../..');
/** All by hand: COMPANION_TEST_CYCLES=50. */
const CYCLES = Number(process.env.COMPANION_TEST_CYCLES ?? 12);

const FORGETFUL = `
import { startCompanion } from '@companion/core';
import { dockerBackend } from '@companion/backend-docker/backend';
const [image, host, sourceDir] = process.argv.slice(1);
const runner = await startCompanion({
  name: 'forgotten', sourceDir, image, backends: [dockerBackend], backendOptions: { docker: { host } },
});
console.log((await runner.run('echo', ['works'])).stdout);
`;

eachEngine('cycles', (engine) => {
  const companions = new Companions(engine);

  test(`${CYCLES} companions one after the other leave nothing`, {
    timeout: 60_000 + CYCLES * 5000,
  }, async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => void warnings.push(warning);
    process.on('warning', listen);
    const held = async () => ({
      descriptors: (await readdir('/proc/self/fd')).length,
      timers: process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length,
      listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    });
    const cycle = async () => {
      const runner = await companions.start({ name: 'cycle' });
      await runner.run('true');
      await runner.shutdown();
    };
    // Connections to the engine are kept for the next one.
    for (let warm = 0; warm < 3; warm++) await cycle();
    const before = await held();
    for (let round = 0; round < CYCLES; round++) await cycle();
    await pause(0);
    const after = await held();
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 3);
    expect(after.timers).toBeLessThanOrEqual(before.timers + 3);
    expect(after.listeners).toBe(before.listeners);
    expect(warnings).toEqual([]);
    process.off('warning', listen);
    expect(await companions.containers('cycle')).toEqual([]);
  });

  test('a program that forgets to shut down ends, and leaves nothing', async () => {
    const args = [engine.images.busybox, engine.address, companions.sourceDir];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', FORGETFUL, ...args],
      { cwd: packageFolder, timeout: 30_000 },
    );
    expect(stdout).toBe('works\n\n');
    const left = async () => (await companions.containers('forgotten')).length;
    for (const end = Date.now() + 5000; (await left()) > 0 && Date.now() < end; ) await pause(50);
    expect(await left()).toBe(0);
  });
});
