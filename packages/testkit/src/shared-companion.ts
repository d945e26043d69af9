import { mkdir, rm } from 'node:fs/promises';
import type { CompanionRunner } from '@companion/core';
import { Companions } from './companions.js';
import type { ConformanceTarget } from './plan.js';

/** The warm companion of cases that share one. Started when first asked for; a new one after a case has failed. */
export class SharedCompanion {
  readonly #target: ConformanceTarget;
  readonly #mark: string;
  readonly #nextDirectory: () => string;
  #warm:
    | {
        readonly companions: Companions;
        readonly directory: string;
        readonly started: Promise<CompanionRunner>;
      }
    | undefined;

  constructor(target: ConformanceTarget, mark: string, nextDirectory: () => string) {
    this.#target = target;
    this.#mark = mark;
    this.#nextDirectory = nextDirectory;
  }

  async get(): Promise<CompanionRunner> {
    if (this.#warm === undefined) {
      const directory = this.#nextDirectory();
      const companions = new Companions(this.#target, directory, this.#mark);
      const started = mkdir(directory).then(() => companions.start());
      this.#warm = { companions, directory, started };
    }
    return await this.#warm.started;
  }

  /** Removes it; says what went wrong. */
  async end(boundMs?: number): Promise<readonly string[]> {
    const warm = this.#warm;
    if (warm === undefined) return [];
    this.#warm = undefined;
    const failures = await warm.companions.end(boundMs);
    await rm(warm.directory, { recursive: true, force: true, maxRetries: 3 });
    return failures;
  }
}
