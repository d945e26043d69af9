import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BIN, companion, start, startCompanion } from './companion-command.js';
import { makeProject } from './project.js';

const run = `"${process.execPath}" "${BIN}" run`;
const bash = (script: string) => start('bash', ['-c', script], { input: null }).ended;

describe('standard input and output', () => {
  test('10 MB of any bytes go through as they are', async () => {
    const input = randomBytes(10_000_000);
    const { code, stdout, stderr } = await companion(['run', '--', 'cat'], { input });
    expect({ code, stderr, length: stdout.length }).toEqual({ code: 0, stderr: '', length: input.length });
    expect(createHash('sha256').update(stdout).digest('hex')).toBe(
      createHash('sha256').update(input).digest('hex'),
    );
  });

  test('files serve as well as pipes', async () => {
    using project = makeProject();
    const file = project.write('input', randomBytes(1_000_000).toString('base64'));
    const { code, stderr } = await bash(`${run} -- cat < ${file} > ${file}.copy && cmp ${file} ${file}.copy`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('the end of input is passed on, and output that comes after it', async () => {
    const { stdout } = await companion(['run', '--', 'sh', '-c', 'cat; echo after'], { input: 'before\n' });
    expect(stdout.toString()).toBe('before\nafter\n');
  });

  test.skipIf(process.platform !== 'linux')(
    'a reader that does not read stops the command and fills no memory',
    async () => {
      const bytes = 300_000_000;
      const args = [BIN, 'run', '--verbose', '--', 'head', '-c', String(bytes), '/dev/zero'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      for await (const line of createInterface(child.stderr)) if (line.includes(' started')) break;
      // Held back or not, it has had the time to fill whatever it can fill.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      expect(Number(kilobytes)).toBeLessThan(200_000);
      let seen = 0;
      for await (const chunk of child.stdout) seen += chunk.length;
      expect(seen).toBe(bytes);
    },
  );

  test('an input that nobody ends does not keep a command that is done', async () => {
    const { child, ended } = startCompanion(['run', '--', 'true']);
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
    child.stdin!.destroy();
  });

  test('a command that ignores a large input ends as it likes', async () => {
    const input = Buffer.alloc(10_000_000);
    expect(await companion(['run', '--', 'sh', '-c', 'exit 6'], { input })).toMatchObject({
      code: 6,
      stderr: '',
    });
  });

  test('stdout and stderr stay apart', async () => {
    const script = 'i=0; while [ $i -lt 500 ]; do echo out; echo err >&2; i=$((i+1)); done';
    const { stdout, stderr } = await companion(['run', '--', 'sh', '-c', script]);
    expect(stdout.toString()).toBe('out\n'.repeat(500));
    expect(stderr).toBe('err\n'.repeat(500));
  });
});

describe('a reader that goes away', () => {
  test('ends the command as a broken pipe does, in silence', async () => {
    const { stdout, stderr } = await bash(`${run} -- yes | head -c 1; echo " \${PIPESTATUS[0]}"`);
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: 'y 141\n', stderr: '' });
  });

  test('ends what the command has started in the same way, and the command goes on', async () => {
    const script = 'yes; echo after >&2; exit 4';
    const { stdout, stderr } = await bash(
      `${run} -- sh -c '${script}' | head -c 1; echo " \${PIPESTATUS[0]}"`,
    );
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: 'y 4\n', stderr: 'after\n' });
  });

  test('does not matter to a command that has said it all', async () => {
    const { stdout, stderr } = await bash(
      `${run} -- sh -c 'echo 1; exit 5' | true; echo "\${PIPESTATUS[0]}"`,
    );
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: '5\n', stderr: '' });
  });

  test("does not matter to companion's own output", async () => {
    const { stdout, stderr } = await bash(`${run} --help | true; echo "\${PIPESTATUS[0]}"`);
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: '0\n', stderr: '' });
  });

  test.skipIf(process.platform !== 'linux')('is not the same as a disk that is full', async () => {
    const { stdout, stderr } = await bash(`${run} -- echo hi > /dev/full; echo "$?"`);
    expect(stdout.toString()).toBe('125\n');
    expect(stderr).toMatch(/^companion: the output could not be written: ENOSPC/);
  });
});

test.for([
  ['<&-', 'in:\n'],
  ['< /dev/null', 'in:\n'],
])('standard input %s is an input without bytes', async ([redirection, expected]) => {
  const { stdout, stderr } = await bash(`${run} -- sh -c 'echo "in:$(cat)"' ${redirection}`);
  expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: expected, stderr: '' });
});
