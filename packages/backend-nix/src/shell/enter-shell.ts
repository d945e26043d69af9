import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { type HostProcesses, resolveBinary } from '@companion/backend-local/spawn';
import { CompanionError } from '@companion/core';
import { computedEnvironment } from './computed-environment.js';
import { type DevEnv, textOf } from './dev-env.js';
import { entryScript, reportScript } from './entry-script.js';
import { runHook } from './hook-process.js';
import { buildVariables, removeLeftovers } from './leftovers.js';
import { type Place, type Rewrite, rewritesFor } from './rewrites.js';

export interface Entrance extends Place {
  /** What the shell's variables are put over. */
  readonly hostEnv: Readonly<Record<string, string>>;
  /** `sourceDir`: where the `shellHook` runs. */
  readonly cwd: string;
  /** Lasting directory of the shell, for the files of structured attributes. It need not exist. */
  readonly files: string;
  /**
   * The hook's `TMPDIR`, which need not exist: the caller removes it with what the hook has started. Removed at once
   * where the hook has put nothing into it. Default: one that is gone when the hook has ended.
   */
  readonly temporary?: string | undefined;
  /** What the `shellHook` starts and leaves running ends with these. */
  readonly processes: HostProcesses;
  readonly runHook: boolean;
  /** Bounds the `shellHook`. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** A line that the `shellHook` prints; also later, from what it has left running. */
  onOutput?(line: string): void;
}

/**
 * What processes begin with in the shell: what `nix develop --command env` gives, without what is for the build.
 *
 * Starts bash only where there is a `shellHook` to run. Rejects with `COMPANION_START_FAILED` when that ends the
 * shell or does not end, and with the signal's reason; whatever it had started has ended then.
 */
export async function enterShell(shell: DevEnv, at: Entrance): Promise<Record<string, string>> {
  at.signal?.throwIfAborted();
  writeAttributes(shell, at.files);
  const rewrite = rewritesFor(shell, at);
  if (!at.runHook || hookOf(shell).trim() === '') return computedEnvironment(shell, at.hostEnv, rewrite);
  const directory = mkdtempSync(join(tmpdir(), `companion-nix-${process.pid}-`));
  try {
    return await environmentAfterHook(shell, at, rewrite, directory);
  } finally {
    remove(directory);
  }
}

async function environmentAfterHook(
  shell: DevEnv,
  at: Entrance,
  rewrite: Rewrite,
  directory: string,
): Promise<Record<string, string>> {
  const bash = bashOf(shell, at);
  // Hooks remove it on exit, so it must be nobody else's.
  const temporary = at.temporary ?? join(directory, 'nix-shell');
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  // A file: functions of a real shell are longer than an argument may be. The report takes its place, since one that
  // exists can be read whatever umask the hook sets.
  const file = join(directory, 'enter.sh');
  writeFileSync(file, entryScript(shell, rewrite, temporary) + reportScript(bash, file), { mode: 0o600 });
  const command = { file: bash, args: [file], env: at.hostEnv, cwd: at.cwd, stdin: 'ignore' as const };
  try {
    const after = await runHook(command, at, () => parseEnvironment(readFileSync(file)));
    removeLeftovers(after, at.hostEnv, buildVariables(shell, rewrite, temporary));
    return Object.fromEntries(after);
  } finally {
    if (at.temporary !== undefined) removeEmpty(temporary);
  }
}

function remove(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // The hook has put something into it that cannot be removed. Its environment is good for all that.
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Not empty, or the hook has removed it.
  }
}

/** NUL-terminated; undefined where the last one is not: the hook has left the script as it was, or the disk is full. */
function parseEnvironment(bytes: Buffer): Map<string, string> | undefined {
  if (bytes.at(-1) !== 0) return undefined;
  const env = new Map<string, string>();
  for (const entry of bytes.toString('utf8').slice(0, -1).split('\0')) {
    const end = entry.indexOf('=');
    if (end > 0) env.set(entry.slice(0, end), entry.slice(end + 1));
  }
  return env;
}

/** The one that built the environment, since hooks are written for it; the host's where it has been collected. */
function bashOf({ variables }: DevEnv, { hostEnv, cwd }: Entrance): string {
  for (const name of ['builder', 'shell', 'SHELL', 'BASH']) {
    const path = textOf(variables, name);
    if (path === undefined || !isAbsolute(path) || basename(path) !== 'bash') continue;
    if (resolveBinary(path, { env: hostEnv, cwd }).is === 'program') return path;
  }
  const found = resolveBinary('bash', { env: hostEnv, cwd });
  if (found.is === 'program') return found.path;
  throw new CompanionError('COMPANION_START_FAILED', 'there is no bash to run the shellHook', {
    hint: 'Install bash, or leave the hook out with `backendOptions.nix.shellHook: false`.',
  });
}

/** `$shellHook`: of a list, the first. */
function hookOf({ variables }: DevEnv): string {
  const list = variables.shellHook?.type === 'array' ? variables.shellHook.value[0] : undefined;
  return list ?? textOf(variables, 'shellHook') ?? '';
}

/** Whole or not at all: others may be entering the same shell. */
function writeAttributes({ structuredAttrs }: DevEnv, directory: string): void {
  if (structuredAttrs === undefined) return;
  for (const name of ['.attrs.json', '.attrs.sh'] as const) {
    const path = join(directory, name);
    if (existsSync(path)) continue;
    mkdirSync(directory, { recursive: true });
    const unfinished = `${path}.${randomBytes(6).toString('hex')}`;
    writeFileSync(unfinished, structuredAttrs[name]);
    renameSync(unfinished, path);
  }
}
