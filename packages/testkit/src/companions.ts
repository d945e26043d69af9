import { type CompanionOptions, type CompanionRunner, createCompanion } from '@companion/core';
import { describeError } from './failure.js';
import { MARK_VARIABLE } from './leftovers.js';
import type { ConformanceTarget } from './plan.js';
import { within } from './within.js';

/** For one companion's shutdown: core itself lets go of an aborted start after 10 s. */
export const SHUTDOWN_MS = 15_000;

/** The companions of one case, or the one that cases share: made alike, and ended together. */
export class Companions {
  /** What each is made with, `backends` aside. */
  readonly defaults: CompanionOptions;
  readonly #target: ConformanceTarget;
  readonly #signal: AbortSignal | undefined;
  readonly #made: CompanionRunner[] = [];

  /** `mark` is the value of {@link MARK_VARIABLE} in everything that runs inside. */
  constructor(target: ConformanceTarget, sourceDir: string, mark: string, signal?: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
    this.defaults = {
      name: 'conformance',
      sourceDir,
      env: { [MARK_VARIABLE]: mark },
      ...(target.image === undefined ? {} : { image: target.image }),
    };
  }

  async create(options: CompanionOptions = {}): Promise<CompanionRunner> {
    const { backend } = this.#target;
    const companion = await createCompanion(
      {
        backends: [backend],
        preferredBackend: backend.name,
        ...this.defaults,
        ...options,
        env: { ...this.defaults.env, ...options.env },
      },
      { signal: this.#signal },
    );
    this.#made.push(companion);
    return companion;
  }

  async start(options: CompanionOptions = {}): Promise<CompanionRunner> {
    const companion = await this.create(options);
    await companion.init({ signal: this.#signal });
    return companion;
  }

  /** Removes all of them at once, in bounded time; says what went wrong. */
  async end(boundMs = SHUTDOWN_MS): Promise<readonly string[]> {
    return (await Promise.all(this.#made.splice(0).map((one) => remove(one, boundMs)))).flat();
  }
}

async function remove(companion: CompanionRunner, boundMs: number): Promise<readonly string[]> {
  const ended = await within(companion.shutdown({ remove: true }), boundMs);
  if (ended.is === 'done') return [];
  if (ended.is === 'failed') return [`shutdown() failed: ${describeError(ended.error)}`];
  return [
    `left behind: companion '${companion.name}', still ${companion.state} ${boundMs} ms after shutdown()`,
  ];
}
