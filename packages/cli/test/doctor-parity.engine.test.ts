import { expect, test } from 'vitest';
import { companion } from './companion-command.js';
import { eachEngine } from './each-engine.js';
import { makeProject } from './project.js';

eachEngine('companion doctor --parity', (engine) => {
  const doctor = async (directory: string, image: string, ...args: string[]) => {
    const both = ['--backend', 'docker', '--backend', 'local', '--image', image, '--json'];
    const ended = await companion(['doctor', '--parity', ...both, ...args], {
      cwd: directory,
      env: { DOCKER_HOST: engine.address },
    });
    return { code: ended.code, report: JSON.parse(ended.stdout.toString()) };
  };

  test('compares an image with this machine, and leaves no container', async () => {
    using project = makeProject();
    project.write('tool', '#!/bin/sh\necho 1.2.3\n', 0o755);
    const same = await doctor(project.directory, engine.images.busybox, '--probe', './tool');
    expect(same).toMatchObject({ code: 0, report: { same: true, differences: [] } });
    const differs = await doctor(
      project.directory,
      engine.images.busybox,
      '--probe',
      'node',
      '--probe',
      './tool',
    );
    expect(differs).toMatchObject({
      code: 1,
      report: {
        differences: [`node: not found in docker; ${process.version} in local`],
        probes: { './tool': { same: true }, node: { same: false } },
      },
    });
    const { stdout } = await companion(['ps', '--json'], {
      cwd: project.directory,
      env: { DOCKER_HOST: engine.address },
    });
    const { environments } = JSON.parse(stdout.toString());
    expect(environments.filter(({ name }: { name: string }) => name === 'parity')).toEqual([]);
  });

  test('an image that cannot be had is a backend that was not compared', async () => {
    using project = makeProject();
    const image = engine.images.busybox.replace(/:[^:/]*$/, ':nonesuch');
    const { code, report } = await doctor(project.directory, image, '--probe', 'node');
    expect(code).toBe(1);
    expect(report.backends[0]).toMatchObject({
      backend: 'docker',
      state: 'failed',
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      hint: expect.any(String),
    });
  });
});
