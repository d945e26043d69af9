import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach } from 'vitest';
import { supervisorBinary } from '../../src/binary.js';
import { connectSupervisor, type Supervisor } from '../../src/supervisor.js';

/** The program is one of Linux, and this machine's architecture needs one. */
export const isRunnable =
  process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch) && existsSync(supervisorBinary());

/** For titles: why a suite is skipped elsewhere. */
export const WHERE = '(Linux, with a prebuilt supervisor)';

const started: ChildProcess[] = [];

afterEach(async () => {
  for (const child of started.splice(0)) {
    child.stdin?.destroy();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});

export async function startSupervisor(
  env: NodeJS.ProcessEnv = { PATH: process.env.PATH },
  how: Start = {},
): Promise<{ supervisor: Supervisor; child: ChildProcess }> {
  const child = startRawSupervisor(env, how);
  const supervisor = await connectSupervisor({ readable: child.stdout, writable: child.stdin });
  return { supervisor, child };
}

export interface Start {
  readonly args?: readonly string[];
  /** A command that executes the one behind it. */
  readonly wrapper?: readonly string[];
}

/** One that nobody has greeted. */
export function startRawSupervisor(
  env: NodeJS.ProcessEnv = { PATH: process.env.PATH },
  { args = [], wrapper = [] }: Start = {},
): ChildProcessByStdio<Writable, Readable, null> {
  const [file = '', ...rest] = [...wrapper, supervisorBinary(), ...args];
  const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'], env });
  started.push(child);
  return child;
}

type Command = Parameters<Supervisor['spawn']>[0];

/** A command with the least around it. */
export function command(file: string, args: readonly string[] = [], more: Partial<Command> = {}): Command {
  return {
    file,
    args,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    cwd: '/',
    stdin: 'ignore',
    ...more,
  };
}

/** Not by iteration, which destroys a duplex stream at the end of its readable side. */
export async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  if (!stream.readableEnded) await once(stream, 'end');
  return Buffer.concat(chunks).toString('utf8');
}

/** Both outputs and the end of a command. */
export async function run(
  supervisor: Supervisor,
  file: string,
  args: readonly string[] = [],
  more: Partial<Command> = {},
) {
  const process = await supervisor.spawn(command(file, args, more));
  const [stdout, stderr, exit] = await Promise.all([
    textOf(process.stdout),
    textOf(process.stderr),
    process.exited,
  ]);
  return { stdout, stderr, exit };
}

/** Resolves with the first output that comes; what follows waits for its reader. */
export function firstOutput(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    stream.once('data', (chunk: Buffer) => {
      stream.pause();
      resolve(chunk.toString('utf8'));
    });
  });
}

/** Ids of the processes, zombies left out, that have the word among their arguments. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      if (!/^\d+$/.test(entry)) return [];
      const found = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').includes(word);
      return found ? [Number(entry)] : [];
    } catch {
      return []; // ended meanwhile
    }
  });
}

/** The kernel tells the end of children alone. Rejects when the condition does not come true. */
export async function until(condition: () => boolean, what: string, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`after ${ms} ms: not ${what}`);
    await delay(5);
  }
}

let lastNumber = 0;

/** Seconds for sleep(1), by which its processes are found again. */
export function uniqueSeconds(): string {
  lastNumber += 1;
  return `${100_000 + (process.pid % 100_000)}.${lastNumber}`;
}
