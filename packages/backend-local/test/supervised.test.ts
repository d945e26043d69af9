import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localBackend } from '@companion/backend-local/backend';
import { HostProcesses } from '@companion/backend-local/spawn';
import { type CompanionRunner, startCompanion } from '@companion/core';
import type { Command } from '@companion/core/backend';
import { afterEach, describe, expect, it } from 'vitest';

const packageFolder = join(import.meta.dirname, '..');
const isRoot = process.getuid?.() === 0;
/** Who has no other processes. */
const AS_SOMEBODY = ['setpriv', '--reuid', '64321', '--regid', '64321', '--clear-groups'];
const runners: CompanionRunner[] = [];
const folders: string[] = [];

interface Outside {
  /** A command that executes the one behind it. */
  readonly wrapper?: readonly string[];
  readonly stdin?: 'ignore' | number;
  /** Of the companion. */
  readonly options?: object;
}

afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.shutdown();
  for (const made of folders.splice(0)) rmSync(made, { recursive: true });
});

async function companion(options: object = {}): Promise<CompanionRunner> {
  const runner = await startCompanion({ sourceDir: '.', backends: [localBackend], ...options });
  runners.push(runner);
  return runner;
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'companion-local-'));
  folders.push(made);
  return made;
}

/** What another program prints that has a companion in `runner`. Rejects when it does not end by itself. */
async function program(
  body: string,
  { wrapper = [], stdin = 'ignore', options = {} }: Outside = {},
): Promise<string> {
  const text = `
import fs from 'node:fs';
import { startCompanion } from '@companion/core';
import { localBackend } from '@companion/backend-local/backend';
const options = ${JSON.stringify(options)};
const runner = await startCompanion({ sourceDir: '.', backends: [localBackend], ...options });
${body}`;
  const [file = '', ...args] = [...wrapper, process.execPath, '--input-type=module', '--eval', text];
  const child = spawn(file, args, { cwd: packageFolder, stdio: [stdin, 'pipe', 'inherit'], timeout: 20_000 });
  const printed = child.stdout?.setEncoding('utf8').toArray();
  const [code, signal] = await once(child, 'exit');
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  return (await printed)?.join('') ?? '';
}

/** Polls: the kernel tells nobody but a parent of a process's end. */
async function gone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setImmediate(resolve));
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function supervisorOf(pid: number | null): number {
  const keeper = pid === null ? undefined : parentOf(pid);
  const supervisor = keeper === undefined ? undefined : parentOf(keeper);
  if (supervisor === undefined) throw new Error(`nobody has started ${pid}`);
  expect(readFileSync(`/proc/${supervisor}/comm`, 'utf8')).toBe('companion-super\n');
  return supervisor;
}

function command(file: string, args: readonly string[], more: Partial<Command> = {}): Command {
  return { file, args, env: { PATH: process.env.PATH ?? '' }, cwd: '/', stdin: 'ignore', ...more };
}

describe.runIf(process.platform === 'linux')('processes of the supervisor', () => {
  it('are started by one supervisor for all companions, and end with their own', async () => {
    const [one, other] = [await companion(), await companion()];
    const first = await one.spawn('sleep', ['1000']);
    const second = await other.spawn('sleep', ['1000']);
    expect(supervisorOf(second.pid)).toBe(supervisorOf(first.pid));
    await one.shutdown();
    expect(existsSync(`/proc/${first.pid}`)).toBe(false);
    expect(existsSync(`/proc/${second.pid}`)).toBe(true);
    expect((await other.run('echo', ['there'])).stdout).toBe('there\n');
  });

  it('end with stop(), with what ended processes have left behind', async () => {
    const runner = await companion();
    const { stdout } = await runner.run('sh', ['-c', 'setsid sleep 1000 > /dev/null 2>&1 & echo $!']);
    const ended: number[] = [];
    for (let before = 0; before < 2; before += 1) {
      const sleeper = await runner.spawn('sleep', ['1000']);
      ended.push(Number(sleeper.pid));
      await runner.stop();
      await runner.init();
    }
    for (const pid of [Number(stdout), ...ended]) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('end when their supervisor is killed, and their companion says that it is lost', async () => {
    const runner = await companion();
    const sleeper = await runner.spawn('sleep', ['1000']);
    const { pid } = sleeper;
    process.kill(supervisorOf(pid), 'SIGKILL');
    await expect(sleeper.wait()).rejects.toMatchObject({ code: 'COMPANION_ENVIRONMENT_LOST' });
    await expect(runner.run('true')).rejects.toMatchObject({ code: 'COMPANION_ENVIRONMENT_LOST' });
    await runner.shutdown();
    await gone(Number(pid));
  });

  it('inherit the standard input itself, of which they take what they read and no more', async () => {
    const lines = join(folder(), 'lines');
    writeFileSync(lines, 'first\nsecond\n');
    const input = openSync(lines, 'r');
    const stdout = await program(
      `const command = await runner.spawn('sh', ['-c', 'read -r line; echo "got $line"'], { stdin: 'inherit' });
       for await (const line of command.lines()) console.log(line);
       await runner.shutdown();
       process.stdout.write(fs.readFileSync(0));`,
      { stdin: input },
    );
    closeSync(input);
    expect(stdout).toBe('got first\nsecond\n');
  });

  it('which they leave running are no reason for the program to stay alive, and end with it', async () => {
    const stdout = await program(`
      const { stdout } = await runner.run('sh', ['-c', 'sleep 1000 > /dev/null 2>&1 & echo $!']);
      console.log(stdout.trim());`);
    await gone(Number(stdout));
  });

  it.each([
    ['is aborted', `await runner.run('true', [], { signal: AbortSignal.abort() })`],
    ['was aborted in time', `await runner.run('true', [], { signal: AbortSignal.timeout(1) })`],
    ['is impossible', `await runner.run('x'.repeat(9_000_000))`],
  ])('do not keep a program alive when the first start %s', async (_when, start) => {
    expect(await program(`${start}.catch(() => {}); console.log('end');`)).toBe('end\n');
  });

  it('that have ended do not keep a program alive that does not read what they said', async () => {
    const stdout = await program(`
      const command = await runner.spawn('head', ['-c', '1400000', '/dev/zero']);
      command.stdout.once('data', () => command.stdout.pause());
      await command.wait();
      console.log('end');`);
    expect(stdout).toBe('end\n');
  });

  it.runIf(isRoot)('have a supervisor again when the machine was full for a moment', async () => {
    const stdout = await program(
      `const { spawn } = await import('node:child_process');
       const { once } = await import('node:events');
       const others = [];
       for (;;) {
         const other = spawn('sleep', ['1000']).on('error', () => {});
         if (other.pid === undefined) break;
         others.push(other);
       }
       const full = await runner.run('true').catch(({ code, message }) => \`\${code}: \${message}\`);
       for (const other of others) {
         other.kill('SIGKILL');
         await once(other, 'exit');
       }
       const tty = { columns: 80, rows: 24 };
       const again = await runner.run('test', ['-t', '1'], { tty });
       console.log(JSON.stringify([full, again.code]));`,
      { wrapper: [...AS_SOMEBODY, 'prlimit', '--nproc=60', '--'] },
    );
    expect(JSON.parse(stdout)).toEqual(['COMPANION_START_FAILED: true could not be started: EAGAIN', 0]);
  });

  it('are not what a companion is lost with of which nothing runs', async () => {
    const [idle, busy] = [await companion(), await companion()];
    await idle.run('true');
    const sleeper = await busy.spawn('sleep', ['1000']);
    process.kill(supervisorOf(sleeper.pid), 'SIGKILL');
    await expect(sleeper.wait()).rejects.toMatchObject({ code: 'COMPANION_ENVIRONMENT_LOST' });
    expect((await idle.run('echo', ['there'])).stdout).toBe('there\n');
  });

  it('do not keep a program alive that has none', async () => {
    expect(await program(`await runner.run('true'); console.log('end');`)).toBe('end\n');
  });

  it.runIf(isRoot)('run as who the program is by now', async () => {
    const stdout = await program(`
      const before = await runner.run('id', ['-u']);
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
      const after = await runner.run('id', ['-u']);
      process.stdout.write(before.stdout + after.stdout);
      process.exit();`);
    expect(stdout).toBe('0\n65534\n');
  });

  it.runIf(existsSync('/proc/keys'))('have the session keyring of the program', async () => {
    const sessions = (keys: string): readonly string[] => keys.match(/^\w+(?= .* _(?:uid_)?ses)/gm) ?? [];
    const runner = await companion();
    const { stdout } = await runner.run('cat', ['/proc/keys']);
    expect(sessions(stdout)).toEqual(sessions(readFileSync('/proc/keys', 'utf8')));
  });

  it.runIf(isRoot)('that have become another user are said to be still there', async () => {
    const open = folder();
    chmodSync(open, 0o755);
    const setuid = join(open, 'setpriv');
    copyFileSync('/usr/bin/setpriv', setuid);
    chmodSync(setuid, 0o4755);
    const stdout = await program(
      `const args = ['--reuid', '0', 'sh', '-c', 'echo $$; exec sleep 1000'];
       const left = await runner.spawn(${JSON.stringify(setuid)}, args);
       for await (const line of left.lines()) { console.log(line); break; }
       const error = await runner.shutdown({ graceMs: 10 }).catch((error) => error);
       console.log(JSON.stringify([error.code, error.message]));
       process.exit();`,
      { wrapper: AS_SOMEBODY },
    );
    const [pid = '', error = ''] = stdout.split('\n');
    process.kill(Number(pid), 'SIGKILL');
    expect(JSON.parse(error)).toEqual([
      'COMPANION_SHUTDOWN_FAILED',
      `still there after SIGKILL: setpriv (${pid})`,
    ]);
  });
});

describe.runIf(process.platform === 'linux')('without a supervisor', () => {
  it('this program starts processes itself, and says that they have no terminal', async () => {
    const runner = await companion({ backendOptions: { local: { supervisor: false } } });
    expect(runner.capabilities.tty).toBe(false);
    const { stdout } = await runner.run('sh', ['-c', 'echo $PPID']);
    expect(stdout).toBe(`${process.pid}\n`);
  });

  it('too many open files are an error like others', async () => {
    const stdout = await program(
      `const { openSync, closeSync } = await import('node:fs');
       await runner.run('true');
       const opened = [];
       try { for (;;) opened.push(openSync('/dev/null')); } catch {}
       closeSync(opened.pop());
       console.log(await runner.run('true').catch(({ code, message }) => \`\${code}: \${message}\`));
       for (const descriptor of opened) closeSync(descriptor);
       console.log((await runner.run('echo', ['again'])).stdout);`,
      {
        wrapper: ['prlimit', '--nofile=200', '--'],
        options: { backendOptions: { local: { supervisor: false } } },
      },
    );
    expect(stdout).toBe('COMPANION_START_FAILED: true could not be started: EMFILE\nagain\n\n');
  });

  it('a terminal is refused', async () => {
    const processes = new HostProcesses({ supervisor: false });
    const tty = { columns: 80, rows: 24 };
    await expect(processes.spawn(command('true', [], { tty }), {})).rejects.toMatchObject({
      code: 'COMPANION_UNSUPPORTED',
    });
  });
});

it('refuses options that it does not know', async () => {
  for (const local of [{ supervisors: true }, { supervisor: 'no' }, []]) {
    await expect(companion({ backendOptions: { local } })).rejects.toThrow(/backendOptions\.local/);
  }
});
