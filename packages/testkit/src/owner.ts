import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { CompanionOptions } from '@companion/core';
import type { CaseContext } from './case.js';

/** A second program that holds a companion with running processes. */
export interface Owner {
  readonly pid: number;
  /** SIGKILL: it cannot clean up. Resolves once it is gone. */
  kill(): Promise<void>;
  /** Ends like a program that is done, with `shutdown()`. Rejects when that fails. */
  end(): Promise<void>;
}

export interface OwnerOptions {
  /** What it starts with `spawn()`, in this order; they are never read from. */
  readonly commands: readonly (readonly [file: string, args: readonly string[]])[];
  /** On top of the case's defaults; only what JSON can say. */
  readonly options?: CompanionOptions;
}

/**
 * A program with a companion `runner`, as text for `node --eval`: this package may be running from sources that a plain
 * Node cannot read. Core comes from its built package for the same reason.
 */
const COMPANION = `
const { core, module, options, commands } = JSON.parse(process.argv[1]);
const [specifier, name] = module.split('#');
const { startCompanion } = await import(core);
const exported = await import(specifier);
const backend = name === undefined
  ? Object.values(exported).find((value) => typeof value?.detect === 'function')
  : exported[name];
if (backend === undefined) throw new Error(module + ' does not export a backend');
const runner = await startCompanion({ ...options, backends: [backend], preferredBackend: backend.name });
`;

const HOLDS = `${COMPANION}
for (const [file, args] of commands) await runner.spawn(file, args);
process.stdin.resume().on('end', () => void runner.shutdown());
process.stdout.write('ready\\n');
`;

const LENDS_ITS_INPUT = `${COMPANION}
for (const [file, args] of commands) {
  const { stdout } = await runner.spawn(file, args, { stdin: 'inherit' });
  for await (const chunk of stdout) process.stdout.write(chunk);
}
await runner.shutdown();
`;

/**
 * Starts a second program that starts a companion on the backend under test, spawns `commands` in it and then only
 * holds it. Resolves once all of them run. For cases with `needsModule: true`. When this process dies, it ends.
 */
export async function startOwner(context: OwnerContext, options: OwnerOptions): Promise<Owner> {
  const { child, ended } = startProgram(context, HOLDS, options);
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(({ code, signal, complaint }) => {
      throw new Error(`the program that owns a companion ended at once (${code ?? signal}): ${complaint}`);
    }),
  ]);
  return {
    pid: pidOf(child),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    end: async () => {
      child.stdin.end();
      assertEndedWell(await ended);
    },
  };
}

/**
 * Runs a second program with `input` as its own standard input, which it lends to a command inside. Resolves with what
 * the command says. For cases with `needsModule: true`.
 */
export async function runLendingInput(
  context: OwnerContext,
  command: readonly [file: string, args: readonly string[]],
  input: string,
): Promise<string> {
  const { child, ended } = startProgram(context, LENDS_ITS_INPUT, { commands: [command] });
  child.stdin.end(input);
  const [said, end] = await Promise.all([text(child.stdout), ended]);
  assertEndedWell(end);
  return said;
}

type OwnerContext = Pick<CaseContext, 'module' | 'defaults' | 'signal'>;

interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly complaint: string;
}

function startProgram(
  { module, defaults, signal }: OwnerContext,
  program: string,
  { commands, options = {} }: OwnerOptions,
): {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<ProgramEnd>;
} {
  if (module === undefined) throw new TypeError('a case that starts an owner says needsModule: true');
  const [specifier = '', ...name] = module.split('#');
  const plan = {
    core: pathToFileURL(createRequire(import.meta.url).resolve('@companion/core')).href,
    module: [isAbsolute(specifier) ? pathToFileURL(specifier).href : specifier, ...name].join('#'),
    options: { ...defaults, ...options, env: { ...defaults.env, ...options.env } },
    commands,
  };
  // Marked like everything inside, so that whatever the backend starts for it is found when it stays.
  const env = { ...process.env, ...defaults.env };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, JSON.stringify(plan)], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A broken pipe to a program that was killed is what was wanted.
  child.stdin.on('error', () => {});
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const onAbort = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', onAbort, { once: true });
  const ended = once(child, 'exit').then(([code, endedBy]) => {
    signal.removeEventListener('abort', onAbort);
    return {
      code: code as number | null,
      signal: endedBy as NodeJS.Signals | null,
      complaint: complaint.trim(),
    };
  });
  ended.catch(() => {});
  return { child, ended };
}

function assertEndedWell({ code, signal, complaint }: ProgramEnd): void {
  if (code !== 0)
    throw new Error(`the program that owns a companion failed (${code ?? signal}): ${complaint}`);
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the program that owns a companion could not be started');
  return pid;
}
