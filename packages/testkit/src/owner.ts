import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
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
 * The program, as text for `node --eval`: this package may be running from sources that a plain Node cannot read.
 * Core comes from its built package for the same reason.
 */
const PROGRAM = `
const { core, module, options, commands } = JSON.parse(process.argv[1]);
const [specifier, name] = module.split('#');
const { startCompanion } = await import(core);
const exported = await import(specifier);
const backend = name === undefined
  ? Object.values(exported).find((value) => typeof value?.detect === 'function')
  : exported[name];
if (backend === undefined) throw new Error(module + ' does not export a backend');
const runner = await startCompanion({ ...options, backends: [backend], preferredBackend: backend.name });
for (const [file, args] of commands) await runner.spawn(file, args);
process.stdin.resume().on('end', () => void runner.shutdown());
process.stdout.write('ready\\n');
`;

/**
 * Starts a second program that starts a companion on the backend under test, spawns `commands` in it and then only
 * holds it. Resolves once all of them run. For cases with `needsModule: true`. When this process dies, it ends.
 */
export async function startOwner(
  context: Pick<CaseContext, 'module' | 'defaults' | 'signal'>,
  { commands, options = {} }: OwnerOptions,
): Promise<Owner> {
  if (context.module === undefined) throw new TypeError('a case that starts an owner says needsModule: true');
  const [specifier = '', ...name] = context.module.split('#');
  const plan = {
    core: pathToFileURL(createRequire(import.meta.url).resolve('@companion/core')).href,
    module: [isAbsolute(specifier) ? pathToFileURL(specifier).href : specifier, ...name].join('#'),
    options: { ...context.defaults, ...options, env: { ...context.defaults.env, ...options.env } },
    commands,
  };
  // Marked like everything inside, so that whatever the backend starts for it is found when it stays.
  const env = { ...process.env, ...context.defaults.env };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, JSON.stringify(plan)], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  exited.catch(() => {});
  // A broken pipe to a program that was killed is what was wanted.
  child.stdin.on('error', () => {});
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const onAbort = (): void => void child.kill('SIGKILL');
  context.signal.addEventListener('abort', onAbort, { once: true });
  const ended = exited.then(([code, signal]) => {
    context.signal.removeEventListener('abort', onAbort);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  ended.catch(() => {});
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(({ code, signal }) => {
      throw new Error(
        `the program that owns a companion ended at once (${code ?? signal}): ${complaint.trim()}`,
      );
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
      const { code, signal } = await ended;
      if (code !== 0)
        throw new Error(`the program that owns a companion failed (${code ?? signal}): ${complaint}`);
    },
  };
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the program that owns a companion could not be started');
  return pid;
}
