import { rm, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { HostProcesses, resolveBinary } from '@companion/backend-local/spawn';
import { CompanionError } from '@companion/core';
import type { Abortable, BackendProcess, Command, EnvironmentRequest } from '@companion/core/backend';
import { type DevShell, EVALUATION_TIMEOUT_MS, openDevShell } from './dev-shell.js';
import { findNix, nixVariables } from './nix/find-nix.js';
import { Redaction } from './nix/redact.js';
import { temporaryPath } from './nix/temporary-directory.js';
import type { NixOptions } from './options.js';
import { enterShell } from './shell/enter-shell.js';

/** How often a long-lived companion says that it still needs its shell, and its temporary directory. */
const TOUCH_EVERY_MS = 20 * 60 * 1000;

type Variables = Readonly<Record<string, string>>;

/**
 * Evaluates the dev shell where nothing known is valid, and enters it. Rejects with `COMPANION_START_FAILED` and with
 * the signal's reason, and has then ended whatever it had started.
 */
export async function openShell(
  request: EnvironmentRequest,
  options: NixOptions,
  { signal }: Abortable,
): Promise<OpenShell> {
  signal?.throwIfAborted();
  const host = new ShellHost();
  try {
    const shell = await devShell(request, options, host.processes, signal);
    const env = await enter(shell, request, options, host, signal);
    return new OpenShell(shell, env, request, host);
  } catch (error) {
    await host.end();
    throw error;
  }
}

/** What one shell has on this machine. */
class ShellHost {
  readonly processes = new HostProcesses();
  /** The `shellHook`'s `TMPDIR`. What it has put there, what it has started may need: a database's files. */
  readonly temporary = temporaryPath();

  touch(): void {
    const now = new Date();
    // As a rule it is not there.
    utimes(this.temporary, now, now).catch(() => {});
  }

  async end(): Promise<void> {
    await this.processes.endAll();
    await rm(this.temporary, { recursive: true, force: true });
  }
}

/** The host, with a dev shell's variables: processes run as those of the local backend do. */
export class OpenShell {
  /** What a process begins with. */
  readonly env: Variables;
  readonly home: string;
  readonly #host: ShellHost;
  readonly #touching: NodeJS.Timeout;
  readonly #ended = new AbortController();
  readonly #refreshed: Promise<void> | undefined;

  constructor(shell: DevShell, env: Variables, { hostEnv, emit }: EnvironmentRequest, host: ShellHost) {
    this.env = env;
    this.home = hostEnv.HOME ?? homedir();
    this.#host = host;
    const touch = (): void => {
      shell.touch();
      host.touch();
    };
    this.#touching = setInterval(touch, TOUCH_EVERY_MS).unref();
    this.#refreshed = shell.refresh?.(this.#ended.signal).catch((error: Error) => {
      if (this.#ended.signal.aborted) return;
      const message = `the dev shell could not be evaluated anew: ${error.message}`;
      emit({ topic: 'environment', type: 'notice', message });
    });
  }

  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    return await this.#host.processes.spawn(command, options);
  }

  /** Resolves when all that runs has been lost at once. */
  get lost(): Promise<Error> {
    return this.#host.processes.lost;
  }

  resolveBinary(file: string, at: { readonly env: Variables; readonly cwd: string }): string | null {
    const found = resolveBinary(file, at);
    return found.is === 'program' ? found.path : null;
  }

  /** Ends everything that runs, what the `shellHook` has started included. */
  async end(): Promise<void> {
    clearInterval(this.#touching);
    this.#ended.abort();
    await this.#refreshed;
    await this.#host.end();
  }
}

async function devShell(
  { sourceDir, emit }: EnvironmentRequest,
  options: NixOptions,
  processes: HostProcesses,
  signal: AbortSignal | undefined,
): Promise<DevShell> {
  const env = nixVariables();
  const program = findNix(env);
  if (program === undefined) {
    throw new CompanionError('COMPANION_START_FAILED', 'nix is not there any more', {
      hint: 'Make a new companion: it chooses among the backends that are there now.',
    });
  }
  const redaction = new Redaction(env);
  const tell = (type: 'notice' | 'busy', message: string): void =>
    emit({ topic: 'environment', type, message: redaction.apply(message) });
  const source = {
    program,
    env,
    sourceDir,
    options,
    processes,
    notice: (message: string) => tell('notice', message),
    busy: (message: string) => tell('busy', message),
  };
  return await openDevShell(source, signal);
}

async function enter(
  { shell, files }: DevShell,
  { hostEnv, sourceDir, emit }: EnvironmentRequest,
  { shellHook = true, evaluationTimeoutMs = EVALUATION_TIMEOUT_MS }: NixOptions,
  { processes, temporary }: ShellHost,
  signal: AbortSignal | undefined,
): Promise<Variables> {
  return await enterShell(shell, {
    hostEnv,
    cwd: sourceDir,
    files,
    processes,
    temporary,
    runHook: shellHook,
    timeoutMs: evaluationTimeoutMs,
    signal,
    onOutput: (line) => emit({ topic: 'environment', type: 'busy', message: `shellHook: ${line}` }),
  });
}
