import { describe, expect, test } from 'vitest';
import { companion, type Ended } from './companion-command.js';
import { fixture, makeProject } from './project.js';

const json = ({ stdout }: Ended) => JSON.parse(stdout.toString());

describe('companion doctor', () => {
  test('tells of every backend whether it works, why not and how to mend it', async () => {
    using project = makeProject();
    const { code, stdout, stderr } = await companion(['doctor'], { cwd: project.directory });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const text = stdout.toString();
    expect(text).toContain(`Node ${process.version}, ${process.platform} ${process.arch}`);
    expect(text).toMatch(/^local {3}available \(asked in [\d.]+ ms\)$/m);
    expect(text).toMatch(/^ {2}@companion\/backend-local \S+, came with this command$/m);
    expect(text).toMatch(/^ {2}filesystem shared, network shared, processes shared, ownerDeath \w+$/m);
    expect(text).toMatch(/^Available: .*local\.$/m);
  });

  test('--json says the same to programs', async () => {
    using project = makeProject({ docker: 'throw new Error("no such luck");' });
    const examined = json(await companion(['doctor', '--json'], { cwd: project.directory }));
    expect(examined).toMatchObject({
      version: expect.any(String),
      node: process.version,
      platform: { os: process.platform, arch: process.arch, release: expect.any(String) },
      variables: {},
    });
    expect(examined.backends.map(({ backend }: { backend: string }) => backend)).toEqual([
      'docker',
      'nix',
      'local',
    ]);
    expect(examined.backends[0]).toEqual({
      backend: 'docker',
      package: '@companion/backend-docker',
      status: 'broken',
      reason: '@companion/backend-docker cannot be imported (no such luck)',
      hint: 'Install it again: npm install --save-dev @companion/backend-docker',
      detail: null,
      version: null,
      from: null,
      path: null,
      priority: null,
      capabilities: null,
      durationMs: null,
      environments: null,
    });
    expect(examined.backends[2]).toEqual({
      backend: 'local',
      package: '@companion/backend-local',
      status: 'available',
      reason: null,
      hint: null,
      detail: expect.any(String),
      version: expect.any(String),
      from: 'command',
      path: expect.stringMatching(/index\.js$/),
      priority: 100,
      capabilities: expect.objectContaining({ filesystem: 'shared', user: false }),
      durationMs: expect.any(Number),
      environments: null,
    });
  });

  test("says which backends are the project's, and what they can do on this machine", async () => {
    using project = makeProject({ docker: fixture('terminal-backend') });
    const [docker] = json(await companion(['doctor', '--json'], { cwd: project.directory })).backends;
    expect(docker).toMatchObject({
      status: 'available',
      from: 'project',
      version: '9.9.9',
      capabilities: { tty: true },
    });
    const { stdout } = await companion(['doctor'], { cwd: project.directory });
    expect(stdout.toString()).toContain("@companion/backend-docker 9.9.9, this project's");
  });

  test('a package that registers no backend is broken', async () => {
    using project = makeProject({ nix: 'export const nothing = true;' });
    const { stdout } = await companion(['doctor'], { cwd: project.directory });
    expect(stdout.toString()).toMatch(/^nix {5}broken\n {2}.*it registers no backend named nix/m);
  });

  test('COMPANION_BACKEND is told and hides no backend; of unknown variables only the name is told', async () => {
    using project = makeProject({ docker: fixture('terminal-backend') });
    const env = { COMPANION_BACKEND: 'local', COMPANION_TOKEN: 's3cret' };
    const options = { cwd: project.directory, env };
    const ended = await companion(['doctor', '--json'], options);
    expect(ended.stdout.toString()).not.toContain('s3cret');
    const examined = json(ended);
    expect(examined.variables).toEqual({ COMPANION_BACKEND: 'local', COMPANION_TOKEN: null });
    expect(examined.backends[0]).toMatchObject({ backend: 'docker', status: 'available' });
    const { stdout } = await companion(['doctor'], options);
    expect(stdout.toString()).toContain('COMPANION_BACKEND=local');
    expect(stdout.toString()).toContain('COMPANION_TOKEN is set, and not one that Companion reads');
  });

  test('gives 1 when nothing is available', async () => {
    using project = makeProject({ local: 'throw new Error("gone");' });
    const { code, stdout } = await companion(['doctor'], { cwd: project.directory });
    expect(code).toBe(1);
    expect(stdout.toString()).toContain('No backend is available');
  });

  test('a source directory that does not exist is a mistake', async () => {
    expect(await companion(['doctor', '--source', '/nonexistent'])).toMatchObject({ code: 2 });
  });
});
