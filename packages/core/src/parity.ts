import type { Abortable } from './backend.js';
import type { CompanionError } from './errors.js';
import type { CompanionOptions } from './options.js';

/** A command whose answer should be the same on every backend. */
export interface VersionProbe {
  readonly command: readonly string[];
  /**
   * What of the answer is compared: the first group, or the match where there is none. For tools that also print paths,
   * dates or who built them. Default: the whole answer.
   */
  readonly pattern?: RegExp | undefined;
  /** Whether no backend at all need have the program. Default: false. */
  readonly optional?: boolean | undefined;
}

export interface ParityOptions extends Abortable {
  /** For each probe, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Backends that must be compared: of others it is no difference that they are unavailable. */
  readonly required?: readonly string[] | undefined;
}

/** What a tool said, or why it did not. */
export type VersionAnswer =
  | {
      /** What is compared. */
      readonly version: string;
      /** stdout, or stderr where that is blank; trimmed. */
      readonly output: string;
    }
  | {
      readonly version: undefined;
      /** One clause: `not found`. */
      readonly reason: string;
      /** `COMPANION_COMMAND_NOT_FOUND` and the like; none where it ran well, and what it said was of no use. */
      readonly error: CompanionError | undefined;
    };

/** What came of one probe. */
export interface ProbeParity {
  /** Every compared backend told the same version (or none has a program that is optional). */
  readonly same: boolean;
  /** Who says the same, in one line of it that tells it from the others; the first has the highest priority. */
  readonly variants: readonly { readonly says: string; readonly backends: readonly string[] }[];
  /** By backend; of the compared ones. */
  readonly answers: Readonly<Record<string, VersionAnswer>>;
}

/** What came of one backend. */
export interface BackendParity {
  readonly backend: string;
  /**
   * `compared`; `unavailable` on this machine or for these options; `failed`: it is there, and its environment could not
   * be started, died, or could not be shut down.
   */
  readonly state: 'compared' | 'unavailable' | 'failed';
  readonly reason: string | undefined;
  readonly hint: string | undefined;
  /** What the backend found: an endpoint, a version. */
  readonly detail: string | undefined;
  /** Of one that failed. */
  readonly error: Error | undefined;
}

export interface Parity<Name extends string = string> {
  /** At least two backends were compared, none failed or is missing that is required, and no probe differs. */
  readonly same: boolean;
  /** Why they are not the same, one sentence each; empty where they are. */
  readonly differences: readonly string[];
  /** By priority. */
  readonly backends: readonly BackendParity[];
  /** By name, as they were given. */
  readonly probes: Readonly<Record<Name, ProbeParity>>;
}

/**
 * Asks the tools of every available backend for their versions and compares the answers. Takes the options of the
 * companion in question; environments of its own are started for it, all backends at once, and are gone afterwards: so
 * `preferredBackend` (and `COMPANION_BACKEND`), `ports`, `pause`, `entrypoint`, `command` and `reuse` play no part.
 * Probes run one by one, with `LC_ALL=C`. Rejects with `TypeError` for a mistake in the arguments,
 * `COMPANION_INVALID_BACKEND` or `COMPANION_ABORTED`; what goes wrong on a backend is part of the result.
 */
export async function verifyParity<Name extends string>(
  options: CompanionOptions,
  probes: Readonly<Record<Name, readonly string[] | VersionProbe>>,
  settings: ParityOptions = {},
): Promise<Parity<Name>> {
  // Loaded at the first call, as the companion's own modules are.
  const { verify } = await import('./parity/verify.js');
  return await verify(options, probes, settings);
}
