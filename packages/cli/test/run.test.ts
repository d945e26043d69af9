import { describe, expect, test } from 'vitest';
import { companion, type Ended, isRunning } from './companion-command.js';
import { fixture, makeProject } from './project.js';

const sh = (script: string) => ['--', 'sh', '-c', script];

describe('exit codes', () => {
  test.for([0, 1, 124, 137, 255])("%d is the command's own", async (code) => {
    expect(await companion(['run', ...sh(`exit ${code}`)])).toMatchObject({ code, signal: null, stderr: '' });
  });

  test.for([
    ['KILL', 137],
    ['TERM', 143],
    ['INT', 130],
    ['SEGV', 139],
  ] as const)('a command that SIG%s ended gives %d', async ([name, code]) => {
    expect(await companion(['run', ...sh(`kill -${name} $$`)])).toMatchObject({
      code,
      signal: null,
      stderr: '',
    });
  });

  test('a command that is not found gives 127 and says so', async () => {
    const { code, stderr } = await companion(['run', '--', 'no-such-tool']);
    expect(code).toBe(127);
    expect(stderr).toMatch(/^companion: command not found: no-such-tool\n/);
  });

  test('a command that is not executable gives 126 and names the file', async () => {
    using project = makeProject();
    const file = project.write('tool.sh', 'echo hi\n', 0o644);
    const { code, stderr } = await companion(['run', '--', './tool.sh'], { cwd: project.directory });
    expect(code).toBe(126);
    expect(stderr).toBe(`companion: command is not executable: ${file}\n`);
  });

  test('a directory that does not exist gives 125 and names it', async () => {
    using project = makeProject();
    const { code, stderr } = await companion(['run', '--cwd', 'nowhere', '--', 'true'], {
      cwd: project.directory,
    });
    expect(code).toBe(125);
    expect(stderr).toContain('nowhere');
    expect(stderr).toContain('--cwd is a path inside');
  });

  test('a command that runs too long is ended and gives 124', async () => {
    const { code, stdout, stderr } = await companion([
      'run',
      '--timeout',
      '3',
      ...sh('echo begun; sleep 60'),
    ]);
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({
      code: 124,
      stdout: 'begun\n',
      stderr: 'companion: sh did not end within 3 s and was stopped\n',
    });
  });

  test('a command that does not even start in time gives 124, too', async () => {
    using project = makeProject({ docker: fixture('stuck-backend') });
    const options = { cwd: project.directory, env: { STUCK: 'spawn' } };
    const { code, stderr } = await companion(['run', '--timeout', '0.2', '--', 'true'], options);
    expect(code).toBe(124);
    expect(stderr).toBe('companion: true did not start within 200 ms\n');
  });

  test('a command that is done is not held up by what it has left behind', async () => {
    const startedAt = performance.now();
    const { code, stdout } = await companion(['run', ...sh('sleep 300 & echo "$!"; exit 3')]);
    expect(code).toBe(3);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    const pid = Number(stdout.toString());
    expect(pid).toBeGreaterThan(1);
    expect(isRunning(pid)).toBe(false);
  });
});

describe('what the command gets', () => {
  test('the directory, the variables and the words that were given', async () => {
    using project = makeProject();
    project.write('sub/file', '');
    const script = 'pwd; printf "%s|" "$A" "$B" "$C" "$@"';
    const { stdout, code } = await companion(
      [
        'run',
        '--source',
        '.',
        '-w',
        'sub',
        '-e',
        'A=x=1',
        '-e',
        'B',
        '-e',
        'C',
        ...sh(script),
        'sh',
        '',
        '* $(x)',
      ],
      { cwd: project.directory, env: { B: 'from outside', C: undefined } },
    );
    expect(code).toBe(0);
    expect(stdout.toString()).toBe(`${project.directory}/sub\nx=1|from outside|||* $(x)|`);
  });

  test("no more of this process's variables than --host-env says", async () => {
    const script = 'printf "%s|" "$SECRET" "$WANTED" "$PATH"';
    const env = { SECRET: 'hidden', WANTED: 'shown' };
    const told = async (...options: string[]) =>
      (await companion(['run', ...options, ...sh(script)], { env })).stdout.toString();
    expect(await told()).toBe(`hidden|shown|${process.env.PATH}|`);
    expect(await told('--host-env', 'minimal')).toBe(`||${process.env.PATH}|`);
    expect(await told('--host-env', 'WANTED')).toBe(`|shown|${process.env.PATH}|`);
  });

  test('a port that is reached under its own number needs no telling', async () => {
    const { code, stderr } = await companion(['run', '-p', 'web=45871', '--', 'true']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('which backend', () => {
  test('an image that cannot be used is told in one line, unless --quiet', async () => {
    using project = makeProject();
    const loud = await companion(['run', '--image', 'tool:1', '--', 'echo', 'hi'], {
      cwd: project.directory,
    });
    expect({ code: loud.code, stdout: loud.stdout.toString() }).toEqual({ code: 0, stdout: 'hi\n' });
    expect(loud.stderr.split('\n')).toEqual([
      expect.stringMatching(/^companion: running on this machine \(backend local\), without the image: /),
      '',
    ]);
    const quiet = await companion(['run', '-q', '--image', 'tool:1', '--', 'echo', 'hi'], {
      cwd: project.directory,
    });
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
  });

  test('what the environment has to say of itself is told in one line, unless --quiet', async () => {
    using project = makeProject({ docker: fixture('noticing-backend') });
    const run = async (...words: string[]) =>
      await companion(['run', '--backend', 'docker', ...words, '--', 'echo', 'hi'], {
        cwd: project.directory,
      });
    expect(await run()).toMatchObject({ code: 0, stderr: 'companion: this is the shell of yesterday\n' });
    expect(await run('--quiet')).toMatchObject({ code: 0, stderr: '' });
  });

  test('--no-fallback refuses this machine', async () => {
    using project = makeProject();
    const { code, stdout, stderr } = await companion(
      ['run', '--image', 'tool:1', '--no-fallback', '--', 'echo', 'hi'],
      { cwd: project.directory },
    );
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 125, stdout: '' });
    expect(stderr).toContain('local: it would run on the host without the image, and fallback is false');
  });

  test.for([
    [['--require', 'filesystem=bound'], 'local: requires filesystem bound, it has shared'],
    [['--memory', '64m'], 'local: it cannot enforce limits'],
    [['--network', 'none'], 'local: it cannot take the network away'],
    [['--mount', '/tmp:/tmp2:ro'], 'local: it shares the host'],
  ] as const)('what no backend can honour is refused: %j', async ([options, reason]) => {
    using project = makeProject();
    const { code, stderr } = await companion(['run', ...options, '--', 'true'], { cwd: project.directory });
    expect(code).toBe(125);
    expect(stderr).toContain(reason);
  });

  test('what core refuses is a mistake in the options', async () => {
    const { code, stderr } = await companion(['run', '--require', 'colour=red', '--', 'true']);
    expect(code).toBe(2);
    expect(stderr).toContain('colour');
  });

  test('a backend that is not known or not installed is named, with the way to get it', async () => {
    using project = makeProject();
    const ask = (name: string, env = {}) =>
      companion(name === '' ? ['run', '--', 'true'] : ['run', '--backend', name, '--', 'true'], {
        cwd: project.directory,
        env,
      });
    const unknown = await ask('dokcer');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toBe(
      'companion: unknown backend "dokcer", named by --backend\n  Did you mean docker?\n',
    );
    const outside = await ask('', { COMPANION_BACKEND: 'lcoal' });
    expect(outside.stderr).toBe(
      'companion: unknown backend "lcoal", named by COMPANION_BACKEND\n  Did you mean local?\n',
    );
  });

  test("a project's own backend comes first, and --backend asks no other", async () => {
    using project = makeProject({ docker: fixture('pulling-backend') });
    const backendOf = ({ stdout }: Ended) => JSON.parse(stdout.toString()).backend;
    const ask = (...options: string[]) =>
      companion(['run', '--json', ...options, '--', 'true'], { cwd: project.directory });
    expect(backendOf(await ask())).toBe('docker');
    expect(backendOf(await ask('--backend', 'local'))).toBe('local');
  });

  test('a backend that cannot be imported stops nobody, and is told where it is missed', async () => {
    using project = makeProject({ docker: 'throw new Error("no such luck");' });
    const ask = (...options: string[]) =>
      companion(['run', ...options, '--', 'true'], { cwd: project.directory });
    expect(await ask()).toMatchObject({ code: 0, stderr: '' });
    expect((await ask('--image', 'tool:1')).stderr).toContain(
      '@companion/backend-docker cannot be imported (no such luck)',
    );
    const wanted = await ask('--backend', 'docker');
    expect(wanted.code).toBe(125);
    expect(wanted.stderr).toMatch(
      /^companion: backend docker, named by --backend, cannot be loaded: .*no such luck/,
    );
  });

  test.for(['start', 'shutdown'])("a %s that fails is companion's failure", async (step) => {
    using project = makeProject({ docker: fixture('failing-backend') });
    const { code, stderr } = await companion(['run', '--', 'true'], {
      cwd: project.directory,
      env: { FAIL: step },
    });
    expect(code).toBe(125);
    expect(stderr).toMatch(
      step === 'start'
        ? /^companion: .*could not start.*the engine went away\n$/
        : /^companion: .*could not be shut down/,
    );
  });

  test("a failed shutdown does not hide the command's own failure", async () => {
    using project = makeProject({ docker: fixture('failing-backend') });
    const { code, stderr } = await companion(['run', ...sh('exit 9')], {
      cwd: project.directory,
      env: { FAIL: 'shutdown' },
    });
    expect(code).toBe(9);
    expect(stderr).toContain('could not be shut down');
  });
});

describe('--json', () => {
  const json = ({ stdout }: Ended): unknown => JSON.parse(stdout.toString());

  test("has stdout for the result, and the command's output on stderr", async () => {
    const ended = await companion(['run', '--json', ...sh('echo out; echo err >&2; exit 4')]);
    expect(ended.code).toBe(4);
    expect(ended.stderr.split('\n').sort()).toEqual(['', 'err', 'out']);
    expect(json(ended)).toEqual({
      exitCode: 4,
      code: 4,
      signal: null,
      reason: 'exited',
      durationMs: expect.any(Number),
      backend: 'local',
      fellBack: false,
    });
  });

  test('tells signals and timeouts', async () => {
    expect(json(await companion(['run', '--json', ...sh('kill -9 $$')]))).toMatchObject({
      exitCode: 137,
      code: null,
      signal: 'SIGKILL',
      reason: 'signaled',
    });
    expect(json(await companion(['run', '--json', '--timeout', '3', '--', 'sleep', '60']))).toMatchObject({
      exitCode: 124,
      reason: 'timed-out',
    });
  });

  test('a command that never ran is an error', async () => {
    const ended = await companion(['run', '--json', '--', 'no-such-tool']);
    expect(ended).toMatchObject({ code: 127, stderr: '' });
    expect(json(ended)).toEqual({
      error: {
        code: 'COMPANION_COMMAND_NOT_FOUND',
        message: 'command not found: no-such-tool',
        hint: expect.any(String),
      },
    });
  });

  test('a failed shutdown stands beside the result', async () => {
    using project = makeProject({ docker: fixture('failing-backend') });
    const ended = await companion(['run', '--json', '--', 'true'], {
      cwd: project.directory,
      env: { FAIL: 'shutdown' },
    });
    expect(json(ended)).toMatchObject({
      exitCode: 125,
      code: 0,
      error: {
        code: 'COMPANION_SHUTDOWN_FAILED',
        message: expect.stringContaining('could not be shut down'),
      },
    });
  });
});

test('--verbose tells on stderr what happens, without arguments and values', async () => {
  const { stdout, stderr } = await companion([
    'run',
    '--verbose',
    '-e',
    'TOKEN=s3cret',
    ...sh('echo out # s3cret'),
  ]);
  expect(stdout.toString()).toBe('out\n');
  for (const text of [
    'backend local chosen',
    'environment started in',
    'sh (pid ',
    'exited with code 0',
    'environment removed',
  ]) {
    expect(stderr).toContain(text);
  }
  expect(stderr).not.toContain('s3cret');
  expect(stderr.split('\n').filter((line) => line !== '' && !line.startsWith('companion: '))).toEqual([]);
});
