import { execFileSync, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { companion, isRunning, startCompanion } from './companion-command.js';
import { fixture, makeProject, type Project } from './project.js';

/** Two backends with tools of their own: `docker` has those of one directory, `local` those of another. */
function twoMachines(docker: Readonly<Record<string, string>>, local: Readonly<Record<string, string>>) {
  const project = makeProject({ docker: fixture('tools-backend') });
  for (const [machine, tools] of Object.entries({ docker, local })) {
    project.write(`${machine}/.keep`, '');
    for (const [tool, script] of Object.entries(tools)) {
      project.write(`${machine}/${tool}`, `#!/bin/sh\n${script}\n`, 0o755);
    }
  }
  const env = {
    TOOLS: join(project.directory, 'docker'),
    PATH: join(project.directory, 'local'),
  };
  return {
    project,
    options: { cwd: project.directory, env },
    [Symbol.dispose]: () => project[Symbol.dispose](),
  };
}

const doctor = (args: readonly string[], options: Parameters<typeof companion>[1]) =>
  companion(['doctor', '--parity', ...args], options);

describe('companion doctor --parity', () => {
  test('marks what differs, and gives 1', async () => {
    using machines = twoMachines(
      { node: 'echo v20.1.0', npm: 'echo 10.0.0', gcc: 'echo "gcc (A) 12.2.0"; echo built today' },
      {
        node: 'echo v22.3.4',
        npm: 'echo 10.0.0',
        gcc: 'echo "gcc (B) 12.2.0"',
        git: 'echo git version 2.39.5',
      },
    );
    const { code, stdout, stderr } = await doctor([], machines.options);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const text = stdout.toString();
    expect(text.slice(text.indexOf('PROBE'))).toBe(
      [
        'PROBE  RESULT   BACKEND  SAYS',
        'node   DIFFERS  docker   v20.1.0',
        '                local    v22.3.4',
        'npm    same     all      10.0.0',
        'git    DIFFERS  docker   not found',
        '                local    2.39.5',
        'gcc    same     all      12.2.0',
        '',
        'Different: node, git.',
        '',
      ].join('\n'),
    );
  });

  test('gives 0 where all backends have the same', async () => {
    using machines = twoMachines({ node: 'echo v20.1.0' }, { node: 'echo v20.1.0', go: 'exit 0' });
    const { code, stdout } = await doctor(['--probe', 'node'], machines.options);
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(/^The same in docker, local: node\.$/m);
  });

  test('--json says the same to programs', async () => {
    using machines = twoMachines({ tool: 'echo "tool 1"; exit 0' }, {});
    const { code, stdout, stderr } = await doctor(
      ['--json', '--probe', 'tool ~ tool (.*)'],
      machines.options,
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout.toString())).toEqual({
      same: false,
      differences: ['tool: 1 in docker; not found in local'],
      backends: expect.arrayContaining([
        {
          backend: 'docker',
          state: 'compared',
          reason: null,
          hint: null,
          detail: expect.any(String),
          code: null,
        },
      ]),
      probes: {
        tool: {
          same: false,
          variants: [
            { says: '1', backends: ['docker'] },
            { says: 'not found', backends: ['local'] },
          ],
          answers: {
            docker: { version: '1', output: 'tool 1', reason: null, code: null },
            local: {
              version: null,
              output: null,
              reason: 'not found',
              code: 'COMPANION_COMMAND_NOT_FOUND',
            },
          },
        },
      },
    });
  });

  test('COMPANION_BACKEND hides no backend', async () => {
    using machines = twoMachines({ node: 'echo v1' }, { node: 'echo v1' });
    const env = { ...machines.options.env, COMPANION_BACKEND: 'local' };
    expect(await doctor(['--probe', 'node'], { ...machines.options, env })).toMatchObject({ code: 0 });
  });

  test('what is found nowhere is not known, and left out where nobody asked for it', async () => {
    using machines = twoMachines({ node: 'echo v1' }, { node: 'echo v1' });
    const asked = await doctor(['--probe', 'ndoe', '--probe', 'node'], machines.options);
    expect(asked.code).toBe(1);
    expect(asked.stdout.toString()).toMatch(/^ndoe +UNKNOWN +all +not found$/m);
    expect(asked.stdout.toString()).toMatch(/^Known in none: ndoe\.$/m);
    expect(await doctor([], machines.options)).toMatchObject({ code: 0 });
    using empty = twoMachines({}, {});
    const { code, stdout } = await doctor([], empty.options);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^Found in none: node, npm, .*gcc\.$/m);
  });

  test('one backend alone is nothing to compare', async () => {
    using machines = twoMachines({}, { node: 'echo v1' });
    const { code, stdout } = await doctor(['--backend', 'local', '--probe', 'node'], machines.options);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^node +all +v1$/m);
    expect(stdout.toString()).toMatch(/^Nothing to compare: only local could be asked\.$/m);
  });

  test('a backend that is named must be there', async () => {
    using project = makeProject({ nix: fixture('tools-backend') });
    const broken = await doctor(['--backend', 'local', '--backend', 'nix'], { cwd: project.directory });
    expect(broken).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('registers no backend named nix'),
    });
    const args = ['--backend', 'docker', '--backend', 'local', '--probe', 'sh -c exit', '--network', 'none'];
    const { code, stdout } = await doctor(args, { cwd: project.directory });
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^Not compared: docker, local\.$/m);
    expect(stdout.toString()).toMatch(/^Nothing to compare: no backend could be asked\.$/m);
  });

  test.for(['start', 'shutdown'])('a backend that fails in its %s was not compared', async (where) => {
    using project = makeProject({ docker: fixture('failing-backend') });
    const options = { cwd: project.directory, env: { FAIL: where } };
    const { code, stdout } = await doctor(['--probe', 'node'], options);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^docker +failed: .*could not /m);
    expect(stdout.toString()).toMatch(/^Not compared: docker\.$/m);
    const json = await doctor(['--probe', 'node', '--json'], options);
    expect(JSON.parse(json.stdout.toString()).backends[0]).toMatchObject({
      backend: 'docker',
      state: 'failed',
      code: `COMPANION_${where.toUpperCase()}_FAILED`,
    });
  });

  test('Ctrl-C gives up a start', async () => {
    using project = makeProject({ docker: fixture('stuck-backend') });
    const { child, ended, saw } = startCompanion(['doctor', '--parity'], {
      cwd: project.directory,
      input: null,
    });
    await saw('stuck in start');
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('start given up');
  });

  test('Ctrl-C ends the tool that is being asked; with --json that is told', async () => {
    using machines = twoMachines({}, { slow: 'echo $$ > fifo; exec /bin/sleep 300' });
    const fifo = join(machines.project.directory, 'fifo');
    execFileSync('sh', ['-c', 'mkfifo "$0"', fifo]);
    const args = ['doctor', '--parity', '--json', '--probe', 'slow', '--backend', 'local'];
    const { child, ended } = startCompanion(args, { ...machines.options, input: null });
    const pid = Number(await readFile(fifo, 'utf8'));
    expect(isRunning(pid)).toBe(true);
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(JSON.parse(stdout.toString())).toMatchObject({ error: { code: 'COMPANION_INTERRUPTED' } });
    expect(isRunning(pid)).toBe(false);
  });

  test.for([
    [['--probe', ''], '--probe: expected a tool, got ""'],
    [['--probe', ' ~ x'], '--probe: expected a tool, got " ~ x"'],
    [['--probe', "sh -c 'x'"], '--probe: a quote in "sh -c \'x\'"'],
    [['--probe', 'node ~ ('], '--probe: "(" is no regular expression'],
    [['--platform', 'linux/amd64'], '--platform needs an --image'],
    [['--image', 'a', '--pull', 'often'], '--pull: expected missing, always or never, got "often"'],
    [['--image', 'A B'], 'image: expected a reference without spaces, got "A B"'],
    [['--backend', 'dokcer'], 'unknown backend "dokcer", named by --backend'],
  ] as const)('%j is a mistake', async ([args, message]) => {
    const { code, stdout, stderr } = await doctor(args, {});
    expect({ stdout: stdout.toString(), first: stderr.split('\n')[0] }).toEqual({
      stdout: '',
      first: `companion: ${message}`,
    });
    expect(code).toBe(2);
  });

  test.for([
    [['--probe', 'node'], 'probe'],
    [['-e', 'A=b'], 'env'],
    [['--no-fallback'], 'no-fallback'],
    [['--network', 'none'], 'network'],
  ] as const)('%j is a mistake without --parity', async ([args, name]) => {
    const { code, stderr } = await companion(['doctor', ...args]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `companion: --${name} is of use with --parity only\n`,
    });
  });
});

const bubblewrap = fileURLToPath(new URL('../../../examples/backend-bubblewrap/index.js', import.meta.url));
const hasBubblewrap = spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true']).status === 0;

describe.skipIf(!hasBubblewrap)('with a sandbox', () => {
  /** Bubblewrap's sandbox sees the files of this machine, and takes no variable of this process. */
  async function compare(project: Project, ...args: string[]) {
    const all = ['--load', bubblewrap, '--backend', 'bubblewrap', '--backend', 'local', ...args];
    return await doctor(all, { cwd: project.directory });
  }

  test('the same program is the same, and what only one PATH has is found', async () => {
    using project = makeProject();
    project.write('tool', '#!/bin/sh\necho 1.2.3 >&2\n', 0o755);
    const same = await compare(project, '--probe', './tool', '--probe', 'sh --help ~ .');
    expect(same.stdout.toString()).toMatch(/^\.\/tool +same +all +1\.2\.3$/m);
    const path = `PATH=${project.directory}:/usr/bin:/bin`;
    const { code, stdout } = await compare(project, '--probe', 'tool', '-e', path);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^tool +DIFFERS +bubblewrap +not found\n +local +1\.2\.3$/m);
  });
});
