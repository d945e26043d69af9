import { describe, expect, test } from 'vitest';
import { isRunning, startCompanion } from './companion-command.js';
import { fixture, makeProject } from './project.js';

/** Says `ready`, then what `traps` makes it say, until it is ended. */
const looping = (traps: string) => [
  'run',
  '--',
  'sh',
  '-c',
  `${traps} echo ready $$; while :; do sleep 0.05; done`,
];

describe('signals', () => {
  test.for(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    '%s reaches a command that traps it, which then ends as it chooses',
    async (name) => {
      const { child, ended, saw } = startCompanion(looping(`trap 'echo got it; exit 7' ${name.slice(3)};`));
      await saw('ready');
      child.kill(name);
      const { code, signal, stdout, stderr } = await ended;
      expect({ code, signal, stderr }).toEqual({ code: 7, signal: null, stderr: '' });
      expect(stdout.toString()).toMatch(/got it\n$/);
    },
  );

  test.for([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('a command that %s ends gives %d', async ([name, code]) => {
    const { child, ended, saw } = startCompanion(looping(''));
    await saw('ready');
    child.kill(name);
    expect(await ended).toMatchObject({ code, signal: null, stderr: '' });
  });

  test('a second interrupt ends a command that is deaf to the first, with all it has started', async () => {
    const { child, ended, saw } = startCompanion(
      looping("trap 'echo once' INT; setsid sleep 300 & echo child $!;"),
    );
    await saw('ready');
    child.kill('SIGINT');
    await saw('once');
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(143);
    const pid = Number(/child (\d+)/.exec(stdout.toString())?.[1]);
    expect(isRunning(pid)).toBe(false);
  });

  test('a third one does not wait for it to obey', async () => {
    const { child, ended, saw } = startCompanion(looping("trap 'echo twice' TERM; trap 'echo once' INT;"));
    await saw('ready');
    child.kill('SIGINT');
    await saw('once');
    const startedAt = performance.now();
    child.kill('SIGINT');
    await saw('twice');
    child.kill('SIGINT');
    expect((await ended).code).toBe(137);
    expect(performance.now() - startedAt).toBeLessThan(2500);
  });

  test('a signal during the start gives it up and leaves nothing', async () => {
    using project = makeProject({ docker: fixture('stuck-backend') });
    const { child, ended, saw } = startCompanion(['run', '--', 'true'], { cwd: project.directory });
    await saw('stuck in start');
    child.kill('SIGTERM');
    const { code, stderr, stdout } = await ended;
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 143, stdout: '' });
    expect(stderr).toBe('stuck in start\nstart given up\n');
  });

  test('a program is told that the command never ran', async () => {
    using project = makeProject({ docker: fixture('stuck-backend') });
    const { child, ended, saw } = startCompanion(['run', '--json', '--', 'true'], { cwd: project.directory });
    await saw('stuck in start');
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(JSON.parse(stdout.toString())).toMatchObject({ error: { code: 'COMPANION_INTERRUPTED' } });
  });

  test('whoever insists is let go although the environment cannot be shut down', async () => {
    using project = makeProject({ docker: fixture('stuck-backend') });
    const options = { cwd: project.directory, env: { STUCK: 'shutdown' } };
    const { child, ended, saw } = startCompanion(['run', '--', 'true'], options);
    await saw('stuck in shutdown');
    const again = setInterval(() => child.kill('SIGINT'), 50);
    const { code, stderr } = await ended;
    clearInterval(again);
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted by SIGINT: left before everything was cleaned up');
  });
});
