import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { BIN, companion, type Ended, start } from './companion-command.js';
import { fixture, makeProject, type Project } from './project.js';

const json = ({ stdout }: Ended) => JSON.parse(stdout.toString());
const LOCAL = createRequire(import.meta.url).resolve('@companion/backend-local/backend');

/** Writes a module with a backend made from the local one. */
function writeBackend(project: Project, file: string, name: string, more = ''): void {
  project.write(
    file,
    `import { localBackend } from ${JSON.stringify(LOCAL)};
    export const mine = { ...localBackend, name: ${JSON.stringify(name)}, priority: 500, ${more} };`,
  );
}

describe('companion run --load', () => {
  test('makes the backend of a file a candidate, chosen by priority like any other', async () => {
    using project = makeProject();
    writeBackend(project, 'mine.mjs', 'mine');
    const ended = await companion(['run', '--load', './mine.mjs', '--json', '--', 'true'], {
      cwd: project.directory,
    });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(json(ended)).toMatchObject({ backend: 'mine', exitCode: 0 });
  });

  test('several may be loaded, and --backend or COMPANION_BACKEND names one of all that there are', async () => {
    using project = makeProject();
    writeBackend(project, 'one.mjs', 'one');
    writeBackend(project, 'two.mjs', 'two');
    const load = ['--load', 'one.mjs#mine', '--load', 'two.mjs'];
    const chosen = async (options: readonly string[], env = {}) =>
      json(
        await companion(['run', ...load, ...options, '--json', '--', 'true'], {
          cwd: project.directory,
          env,
        }),
      );
    expect(await chosen(['--backend', 'two'])).toMatchObject({ backend: 'two' });
    expect(await chosen([], { COMPANION_BACKEND: 'one' })).toMatchObject({ backend: 'one' });
    expect(await chosen(['--backend', 'local'])).toMatchObject({ backend: 'local' });
  });

  test("takes a package as the project has it, and stands in for a known backend's name", async () => {
    using project = makeProject({ docker: fixture('terminal-backend') });
    project.write('node_modules/their-backend/package.json', '{ "version": "1.2.3", "main": "./index.mjs" }');
    writeBackend(project, 'node_modules/their-backend/index.mjs', 'docker');
    const options = ['--load', 'their-backend', '--backend', 'docker'];
    const ended = await companion(['run', ...options, '--json', '--', 'true'], { cwd: project.directory });
    expect(json(ended)).toMatchObject({ backend: 'docker', exitCode: 0 });
    const { backends } = json(
      await companion(['doctor', '--load', 'their-backend', '--json'], { cwd: project.directory }),
    );
    const named = backends.filter(({ backend }: { backend: string }) => backend === 'docker');
    expect(named).toEqual([
      expect.objectContaining({ package: 'their-backend', version: '1.2.3', from: 'load', priority: 500 }),
    ]);
  });

  test('a backend that was asked for and cannot serve is not replaced', async () => {
    using project = makeProject();
    const absent = "detect: async () => ({ available: false, reason: 'no engine', hint: 'Start it.' })";
    writeBackend(project, 'mine.mjs', 'mine', absent);
    const args = ['run', '--load', './mine.mjs', '--backend', 'mine', '--', 'true'];
    const { code, stderr } = await companion(args, { cwd: project.directory });
    expect(code).toBe(125);
    expect(stderr).toContain('no engine');
    expect(stderr).toContain('Start it.');
  });

  test('a name that nobody has says which there are and how to name others', async () => {
    using project = makeProject();
    writeBackend(project, 'mine.mjs', 'mine');
    const run = (...options: string[]) =>
      companion(['run', ...options, '--', 'true'], { cwd: project.directory });
    const unknown = await run('--backend', 'other');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toBe(
      'companion: unknown backend "other", named by --backend\n  Backends are docker, nix, local; others are named with --load.\n',
    );
    const meant = await run('--load', 'mine.mjs', '--backend', 'mina');
    expect(meant.stderr).toContain('Did you mean mine?');
  });

  test.for([
    ['./nope.mjs', 125, 'nope.mjs does not exist'],
    ['nope', 125, 'neither a file nor an installed package: nope'],
    ['throws.mjs', 125, 'throws.mjs cannot be imported: no such luck'],
    ['none.mjs', 125, 'none.mjs exports no backend'],
    ['mine.mjs#other', 125, 'mine.mjs has no export other'],
    ['lacking.mjs', 125, 'backend \'lacking\' declares capability tty as "perhaps"'],
  ] as const)('%s gives %d: %s, to run and to doctor', async ([module, code, message]) => {
    using project = makeProject();
    project.write('throws.mjs', 'throw new Error("no such luck");');
    project.write('none.mjs', 'export const a = 1;');
    writeBackend(project, 'mine.mjs', 'mine');
    writeBackend(
      project,
      'lacking.mjs',
      'lacking',
      "capabilities: { ...localBackend.capabilities, tty: 'perhaps' }",
    );
    for (const args of [
      ['run', '--load', module, '--', 'true'],
      ['doctor', '--load', module],
    ]) {
      const ended = await companion(args, { cwd: project.directory });
      expect(ended.code).toBe(code);
      expect(ended.stderr.split('\n')[0]).toContain(message);
      expect(ended.stdout.toString()).toBe('');
    }
  });
});

describe('companion doctor --load', () => {
  test('asks that backend first, beside those it knows', async () => {
    using project = makeProject();
    writeBackend(project, 'mine.mjs', 'a-longer-name');
    const args = ['doctor', '--load', './mine.mjs'];
    const { code, stdout } = await companion(args, { cwd: project.directory });
    const text = stdout.toString();
    expect(code).toBe(0);
    expect(text).toMatch(/^a-longer-name {2}available/m);
    expect(text).toMatch(/^local {10}available/m);
    expect(text).toContain('  ./mine.mjs, named by --load\n');
    expect(text).toMatch(/^Available: a-longer-name, .*local\.$/m);
    const { backends } = json(await companion([...args, '--json'], { cwd: project.directory }));
    expect(backends[0]).toMatchObject({
      backend: 'a-longer-name',
      package: './mine.mjs',
      version: null,
      from: 'load',
    });
  });
});

test('the docker backend is asked without loading its client, which takes its time', async () => {
  using project = makeProject();
  const probe = project.write(
    'probe.cjs',
    `process.on('exit', () => {
      const loaded = Object.keys(require.cache).filter((path) => /[\\\\/]dockerode[\\\\/]/.test(path));
      if (process.argv[2] === 'run') console.error('loaded of dockerode: ' + loaded.length);
    });`,
  );
  const args = ['--require', probe, BIN, 'run', '--image', 'tool:1', '--', 'echo', 'done'];
  const { code, stdout, stderr } = await start(process.execPath, args, {
    cwd: project.directory,
    input: null,
  }).ended;
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'done\n' });
  expect(stderr).toContain('docker: unix:///nonexistent/docker.sock (DOCKER_HOST) does not exist');
  expect(stderr).toContain('loaded of dockerode: 0\n');
});
