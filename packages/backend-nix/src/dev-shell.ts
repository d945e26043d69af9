import type { HostProcesses } from '@companion/backend-local/spawn';
import { CompanionError } from '@companion/core';
import { type CachedShell, CacheSlot, defaultCacheDirectory, removeUnused } from './cache/shell-cache.js';
import { renewedValidity, type Validity, validityOf } from './cache/validity.js';
import type { NixProgram } from './nix/find-nix.js';
import { runNix } from './nix/run-nix.js';
import type { NixOptions } from './options.js';
import { parseDevEnv } from './shell/dev-env.js';
import { type ShellRequest, shellRequest } from './shell-request.js';

export const EVALUATION_TIMEOUT_MS = 600_000;
/** A tree that changes each time while it is evaluated will not stop for us. */
const MOST_EVALUATIONS = 3;

/** What a dev shell is asked of. */
export interface DevShellSource {
  readonly program: NixProgram;
  readonly options: NixOptions;
  readonly sourceDir: string;
  /** What nix runs with. */
  readonly env: Readonly<Record<string, string>>;
  readonly processes: HostProcesses;
  notice(message: string): void;
  /** What takes long now. */
  busy(message: string): void;
}

/** A shell to enter. */
export interface DevShell extends CachedShell {
  /** Directory of this machine for what has to be a file. */
  readonly files: string;
  /** Keeps it from being removed for a while. */
  touch(): void;
  /** Its source has changed, and `whenChanged` is `background`: evaluates it for the next one. */
  readonly refresh?: (signal: AbortSignal) => Promise<void>;
}

/**
 * The shell as it is now: from the cache while nothing has changed that its evaluation can have read, evaluated
 * otherwise, by one process at a time.
 *
 * Rejects with `COMPANION_START_FAILED` when it cannot be evaluated, and with the signal's reason.
 */
export async function openDevShell(
  source: DevShellSource,
  signal: AbortSignal | undefined,
): Promise<DevShell> {
  const evaluation = new Evaluation(source);
  const known = await evaluation.known();
  if (known !== undefined) return evaluation.entered(known);
  const { whenChanged, whenEvaluationFails } = source.options;
  const [last] = evaluation.slot.shells();
  if (last !== undefined && whenChanged === 'background') {
    source.notice(
      `the dev shell of ${evaluation.request.name} has changed: this is the one before, a new one is evaluated meanwhile`,
    );
    return {
      ...evaluation.entered(last),
      refresh: async (ended) => void (await evaluation.evaluate(ended)),
    };
  }
  try {
    return evaluation.entered(await evaluation.evaluate(signal));
  } catch (error) {
    if (last === undefined || whenEvaluationFails !== 'last-good' || signal?.aborted === true) throw error;
    source.notice(`this is the last dev shell that could be evaluated: ${(error as Error).message}`);
    return evaluation.entered(last);
  }
}

/** One request's way to a shell. */
class Evaluation {
  readonly request: ShellRequest;
  readonly slot: CacheSlot;
  readonly #source: DevShellSource;
  readonly #cacheDirectory: string;

  constructor(source: DevShellSource) {
    const { options, sourceDir, program } = source;
    this.#source = source;
    this.request = shellRequest(sourceDir, options);
    this.#cacheDirectory = options.cacheDirectory ?? defaultCacheDirectory(process.env);
    const { cwd, args, impure } = this.request;
    this.slot = new CacheSlot(this.#cacheDirectory, [program.identity, cwd, args, impure]);
  }

  /** The shell that evaluating would give, if it is known. */
  async known(): Promise<CachedShell | undefined> {
    for (const cached of this.slot.shells()) {
      const validity = await renewedValidity(cached.validity, this.request, this.#source.env);
      if (validity === undefined) continue;
      if (validity === cached.validity) return cached;
      const renewed = { ...cached, validity };
      this.slot.renew(renewed);
      return renewed;
    }
    return undefined;
  }

  entered(cached: CachedShell): DevShell {
    const touch = () => this.slot.touch(cached.id);
    touch();
    const files = this.slot.files(cached.id);
    return { ...cached, files, touch };
  }

  /** Evaluates, unless somebody else has by the time it is this one's turn. */
  async evaluate(signal: AbortSignal | undefined): Promise<CachedShell> {
    const release = await this.#hold(signal);
    try {
      const known = await this.known();
      if (known !== undefined) return known;
      this.#source.busy(`evaluating the dev shell of ${this.request.name}`);
      const id = this.slot.newId();
      const { json, validity } = await this.#settled(id, signal);
      const cached = { id, validity, shell: parseDevEnv(json) };
      this.#store(cached);
      removeUnused(this.#cacheDirectory);
      return cached;
    } finally {
      release();
    }
  }

  /** What was evaluated from one state of the source. Nix writes a missing lock file itself: that is a change, too. */
  async #settled(id: string, signal: AbortSignal | undefined): Promise<{ json: string; validity: Validity }> {
    const { env } = this.#source;
    for (let evaluations = 1; ; evaluations++) {
      const validity = await validityOf(this.request, env);
      const json = await this.#printDevEnv(id, signal);
      const settled =
        validity.while === 'unchanged' ? await renewedValidity(validity, this.request, env) : validity;
      if (settled !== undefined) return { json, validity: settled };
      if (evaluations === MOST_EVALUATIONS) return { json, validity: { while: 'never' } };
    }
  }

  async #printDevEnv(id: string, signal: AbortSignal | undefined): Promise<string> {
    const { program, env, options, processes, busy } = this.#source;
    return await runNix(processes, {
      program,
      args: ['print-dev-env', '--json', '--profile', this.slot.profile(id), ...this.request.args],
      env,
      cwd: this.request.cwd,
      timeoutMs: options.evaluationTimeoutMs ?? EVALUATION_TIMEOUT_MS,
      signal,
      onProgress: busy,
    });
  }

  async #hold(signal: AbortSignal | undefined): Promise<() => void> {
    try {
      return await this.slot.hold(signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw notWritable(error);
    }
  }

  #store(cached: CachedShell): void {
    try {
      this.slot.store(cached);
    } catch (error) {
      throw notWritable(error);
    }
  }
}

function notWritable(error: unknown): CompanionError {
  const message = `the cache of dev shells cannot be written: ${(error as Error).message}`;
  return new CompanionError('COMPANION_START_FAILED', message, {
    hint: 'Make room there, or pass another directory as `backendOptions.nix.cacheDirectory`.',
    cause: error,
  });
}
