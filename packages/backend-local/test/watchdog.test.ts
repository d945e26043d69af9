import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';

const packageFolder = join(import.meta.dirname, '..');
const TIMEOUT_MS = 20_000;

/** A second Node with a companion; prints one JSON line and then waits for its end. */
function owner(body: string): ChildProcess {
  const program = `
import { startCompanion } from '@companion/core';
import { localBackend } from '@companion/backend-local/backend';
const options = { sourceDir: '.', backends: [localBackend], backendOptions: { local: { supervisor: false } } };
const runner = await startCompanion(options);
${body}`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: packageFolder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

async function firstLine(child: ChildProcess): Promise<unknown> {
  if (child.stdout === null) throw new Error('no stdout');
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  throw new Error('the owner said nothing');
}

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

function processes(): readonly Entry[] {
  return readdirSync('/proc').flatMap((file) => {
    const pid = Number(file);
    if (!Number.isInteger(pid)) return [];
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return [{ pid, parent: Number(parent), state, command }];
    } catch {
      return []; // ended meanwhile
    }
  });
}

function watchdogsOf(pid: number | undefined): readonly Entry[] {
  return processes().filter((entry) => entry.parent === pid && entry.command.includes('companion-watchdog'));
}

/** Polls: the kernel tells nobody but a parent of a process's end. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${TIMEOUT_MS} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const isAlive = (pid: number): boolean =>
  processes().some((entry) => entry.pid === pid && entry.state !== 'Z' && entry.state !== 'X');

describe.runIf(process.platform === 'linux')('the watchdog', { timeout: 2 * TIMEOUT_MS }, () => {
  it('is one for all processes of an owner', async () => {
    const child = owner(`
      await Promise.all([1, 2, 3].map(() => runner.spawn('sleep', ['1000'])));
      console.log(1);`);
    await firstLine(child);
    expect(watchdogsOf(child.pid)).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('is replaced with the next process when somebody has killed it', async () => {
    const child = owner(`
      await runner.run('true');
      console.log(1);
      process.stdin.once('data', async () => {
        const sleeper = await runner.spawn('sleep', ['1000']);
        console.log(sleeper.pid);
      });`);
    await firstLine(child);
    const [watchdog] = watchdogsOf(child.pid);
    if (watchdog === undefined) throw new Error('there is no watchdog');
    process.kill(watchdog.pid, 'SIGKILL');
    await until('the killed watchdog is gone', () => !processes().some(({ pid }) => pid === watchdog.pid));
    child.stdin?.write('go on\n');
    const sleeper = Number(await firstLine(child));
    expect(watchdogsOf(child.pid)).toHaveLength(1);
    child.kill('SIGKILL');
    await until('the process of the killed owner is gone', () => !isAlive(sleeper));
  });

  it('ends what an owner leaves that ends by itself, and then ends too', async () => {
    const child = owner(`
      const left = await runner.spawn('sleep', ['1000']);
      console.log(left.pid);
      process.stdin.once('data', () => process.exit(0));`);
    const left = Number(await firstLine(child));
    const [watchdog] = watchdogsOf(child.pid);
    if (watchdog === undefined) throw new Error('there is no watchdog');
    child.stdin?.write('end\n');
    await once(child, 'exit');
    await until('what the owner left is gone', () => !isAlive(left));
    await until('the watchdog is gone', () => !isAlive(watchdog.pid));
  });

  it('does not keep an owner alive that has nothing else to do', async () => {
    const child = owner(`await runner.run('true'); console.log(1);`);
    await firstLine(child);
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  });

  it('leaves the processes of a companion inside a companion to both owners', async () => {
    const child = owner(`
      const inner = ${JSON.stringify(`
        import { startCompanion } from '@companion/core';
        import { localBackend } from '@companion/backend-local/backend';
        const runner = await startCompanion({
          sourceDir: '.', backends: [localBackend], hostEnv: 'minimal', backendOptions: { local: { supervisor: false } },
        });
        const sleeper = await runner.spawn('sleep', ['1000']);
        console.log(sleeper.pid);`)};
      const nested = await runner.spawn(process.execPath, ['--input-type=module', '--eval', inner]);
      for await (const line of nested.lines()) console.log(line);`);
    const sleeper = Number(await firstLine(child));
    expect(isAlive(sleeper)).toBe(true);
    child.kill('SIGKILL');
    await until("the inner companion's process is gone", () => !isAlive(sleeper));
  });
});
