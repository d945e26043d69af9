import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type CompanionRunner, type PublishedEvent, startCompanion } from '@companion/core';
import { nixBackend } from '../src/backend.js';
import type { NixOptions } from '../src/options.js';
import type { StartedNix } from './engines/nix.mjs';

const packageFolder = join(import.meta.dirname, '..');

/** A companion in a dev shell, with what it has said of its start. */
export interface Opened {
  readonly runner: CompanionRunner;
  /** Whether the shell was evaluated for it, and not known. */
  readonly evaluated: boolean;
  readonly notices: readonly string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Nix is found and configured by this process's own variables, so these become the tests' Nix's. */
export function useNix({ env, directory }: StartedNix): NixOptions {
  const { PATH: _, TMPDIR: __, ...settings } = env;
  Object.assign(process.env, settings);
  return { cacheDirectory: join(directory, 'shells-of-companions') };
}

export async function open(
  sourceDir: string,
  options: NixOptions,
  more: Parameters<typeof startCompanion>[0] | { hostEnv?: 'minimal' } = {},
): Promise<Opened> {
  const events: PublishedEvent[] = [];
  const runner = await startCompanion({
    ...more,
    sourceDir,
    backends: [nixBackend],
    backendOptions: { nix: options },
    onEvent: (event) => events.push(event),
  });
  const messages = (type: 'busy' | 'notice') =>
    events.flatMap((event) =>
      event.topic === 'environment' && event.type === type && 'message' in event ? [event.message] : [],
    );
  return {
    runner,
    get evaluated() {
      return messages('busy').some((message) => message.startsWith('evaluating the dev shell'));
    },
    get notices() {
      return messages('notice');
    },
    [Symbol.asyncDispose]: () => runner.shutdown(),
  };
}

/** What one command of that companion says of a variable. */
export async function variable({ runner }: Opened, name: string): Promise<string> {
  return (await runner.run('sh', ['-c', `printf %s "\${${name}-}"`])).stdout;
}

/** The value of a variable in a companion that exists for nothing else. */
export async function valueIn(sourceDir: string, name: string, options: NixOptions): Promise<string> {
  await using opened = await open(sourceDir, options);
  return await variable(opened, name);
}

const PROGRAM = `
import { startCompanion } from '@companion/core';
import { nixBackend } from '@companion/backend-nix/backend';
const [sourceDir, nix] = process.argv.slice(1);
let evaluated = false;
const runner = await startCompanion({
  sourceDir, backends: [nixBackend], backendOptions: { nix: JSON.parse(nix) },
  onEvent: ({ type, message }) => { evaluated ||= type === 'busy' && message.startsWith('evaluating the dev shell'); },
});
console.log(evaluated ? 'evaluated' : 'known');
await runner.shutdown();
`;

/** The same in a program of its own, which prints `evaluated` or `known`. It uses what is built. */
export function openElsewhere(sourceDir: string, options: NixOptions): ChildProcess {
  const args = ['--input-type=module', '--eval', PROGRAM, sourceDir, JSON.stringify(options)];
  return spawn(process.execPath, args, { cwd: packageFolder, stdio: ['ignore', 'pipe', 'inherit'] });
}
