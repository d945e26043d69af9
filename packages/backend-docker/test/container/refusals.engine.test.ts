// What cannot be had is one sentence with a hint, and nothing is left of it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompanionError, type CompanionErrorCode, type CompanionOptions } from '@companion/core';
import { expect, test } from 'vitest';
import type { DockerOptions } from '../../src/options.js';
import { eachEngine, onEngine } from '../engines/each-engine.js';
import { Companions, failureOf } from './companions.js';

eachEngine('refusals', (engine) => {
  const companions = new Companions(engine);

  const refused = async (options: CompanionOptions, docker: DockerOptions, code: CompanionErrorCode) => {
    const failure = await failureOf(companions.start({ name: 'refused', ...options }, docker));
    if (!CompanionError.is(failure, code)) throw failure;
    if (process.env.COMPANION_TEST_PRINT)
      console.log(`${failure.code}: ${failure.message}\n  ${failure.hint}`);
    expect(failure.hint, failure.message).toBeTypeOf('string');
    expect(failure.message).not.toMatch(/\n|[0-9a-f]{64}|HTTP code|OCI/);
    expect((await companions.containers('refused')).map(({ Id }) => Id)).toEqual([]);
  };

  test('graphics processors', async () => {
    const code = engine.kind === 'podman' ? 'COMPANION_UNSUPPORTED' : 'COMPANION_START_FAILED';
    await refused({}, { gpus: 'all' }, code);
  });

  test('a network and none', async () => {
    await refused({ network: 'none' }, { networks: ['some'] }, 'COMPANION_UNSUPPORTED');
  });

  test("the companion's own place", async () => {
    await refused({}, { tmpfs: ['/.companion/sockets'] }, 'COMPANION_UNSUPPORTED');
    await refused({}, { caches: { '/': 'volume' } }, 'COMPANION_UNSUPPORTED');
  });

  test('a security option that there is not', async () => {
    await refused({}, { securityOptions: ['companion=no'] }, 'COMPANION_START_FAILED');
  });

  test('an image that is not there', async () => {
    const image = { reference: 'localhost/companion/no-such:1', pull: 'never' as const };
    await refused({ image }, {}, 'COMPANION_IMAGE_UNAVAILABLE');
  });

  test('a directory that was removed before the start', async () => {
    const hostPath = await mkdtemp(join(tmpdir(), 'companion-'));
    const runner = await companions.create({
      name: 'refused',
      mounts: [{ hostPath, companionPath: '/gone' }],
    });
    await rm(hostPath, { recursive: true });
    const failure = await failureOf(runner.init());
    expect(failure).toMatchObject({ code: 'COMPANION_START_FAILED', hint: expect.any(String) });
    expect(String(failure)).toContain(hostPath);
    expect((await companions.containers('refused')).map(({ Id }) => Id)).toEqual([]);
  });

  test('a directory and a command that are not there', async () => {
    const runner = await companions.start({ name: 'commands' });
    for (const [run, code] of [
      [() => runner.run('no-such-command'), 'COMPANION_COMMAND_NOT_FOUND'],
      [() => runner.run('/etc/passwd'), 'COMPANION_COMMAND_NOT_EXECUTABLE'],
      [() => runner.run('true', [], { cwd: '/no/such' }), 'COMPANION_WORK_DIR_NOT_FOUND'],
    ] as const) {
      expect(await failureOf(run())).toMatchObject({ code, hint: expect.any(String) });
    }
  });

  test('a wrong option is a mistake of the caller, and no reason to take another backend', async () => {
    const docker = { privileged: true } as DockerOptions;
    await expect(companions.create({}, docker)).rejects.toThrow(TypeError);
    await expect(companions.create({}, docker)).rejects.toThrow('privileged');
    await expect(companions.create({}, { shmBytes: -1 })).rejects.toThrow(
      /^backendOptions\.docker\.shmBytes/,
    );
    expect(String(await failureOf(companions.start({}, { capAdd: ['FLY'] })))).toContain('FLY');
  });
});

onEngine('docker', 'refusals of all files', (engine) => {
  const companions = new Companions(engine);
  test('a full disk', async () => {
    const Name = `companion-full-${process.pid}`;
    const DriverOpts = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,mode=1777' };
    await companions.docker.createVolume({ Name, Driver: 'local', DriverOpts });
    const runner = await companions.start({ name: 'full' }, { caches: { '/small': Name } });
    try {
      const failure = String(await failureOf(runner.copyIn(process.execPath, '/small/node')));
      expect(failure).toMatch(/no space left on device/i);
      expect(failure).not.toMatch(/HTTP code/);
    } finally {
      await runner.shutdown();
      await companions.docker.getVolume(Name).remove();
    }
  });
});
