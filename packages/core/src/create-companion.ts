import type { Abortable } from './backend.js';
import type { CompanionRunner } from './companion-runner.js';
import type { CompanionOptions } from './options.js';
import type { CandidateReport } from './select/select.js';

// Loaded at the first call: whoever imports this package, a backend that registers itself for one, may never make a
// companion, and forty modules are forty times the price of one.
const factory = (): Promise<typeof import('./companion-factory.js')> => import('./companion-factory.js');

/**
 * Chooses a backend and makes a companion; no environment is started. Rejects with `TypeError` for a mistake in the
 * options, `COMPANION_NO_BACKEND`, `COMPANION_UNSUPPORTED`, `COMPANION_INVALID_BACKEND` or `COMPANION_ABORTED`.
 */
export async function createCompanion(
  options: CompanionOptions = {},
  abortable: Abortable = {},
): Promise<CompanionRunner> {
  const given = asTheyAre(options);
  const { makeCompanion } = await factory();
  return await makeCompanion(given, abortable);
}

/** {@link createCompanion} and `init()`: rejects as they do, and then leaves nothing. */
export async function startCompanion(
  options: CompanionOptions = {},
  abortable: Abortable = {},
): Promise<CompanionRunner> {
  const runner = await createCompanion(options, abortable);
  try {
    await runner.init(abortable);
    return runner;
  } catch (error) {
    // The caller never gets to see the runner: what a failed clean-up has left, nobody else could remove.
    await runner.shutdown().catch(() => {});
    throw error;
  }
}

/** What each candidate would answer to these options, by priority; `chosen` is the one `createCompanion()` takes. */
export async function explainSelection(
  options: CompanionOptions = {},
  abortable: Abortable = {},
): Promise<readonly CandidateReport[]> {
  const given = asTheyAre(options);
  const { askCandidates } = await factory();
  return await askCandidates(given, abortable);
}

/** The caller may change them while the factory loads. */
function asTheyAre(options: CompanionOptions): CompanionOptions {
  // What is no object at all is refused by whoever reads it.
  if (typeof options !== 'object' || options === null) return options;
  const { backends } = options;
  return { ...options, ...(Array.isArray(backends) ? { backends: [...backends] } : {}) };
}
