import type { Abortable } from './backend.js';
import { CompanionRunner } from './companion-runner.js';
import { EventPublisher } from './events.js';
import type { CompanionOptions } from './options.js';
import { askAll, type CandidateReport, select } from './select/select.js';
import { parseOptions } from './settings.js';

/**
 * Chooses a backend and makes a companion; no environment is started. Rejects with `TypeError` for a mistake in the
 * options, `COMPANION_NO_BACKEND`, `COMPANION_UNSUPPORTED`, `COMPANION_INVALID_BACKEND` or `COMPANION_ABORTED`.
 */
export async function createCompanion(
  options: CompanionOptions = {},
  { signal }: Abortable = {},
): Promise<CompanionRunner> {
  const settings = parseOptions(options);
  const publisher = new EventPublisher({ id: settings.id, name: settings.name }, options.onEvent);
  const selected = await select(settings, options, publisher.emit, signal);
  return new CompanionRunner(settings, selected, publisher);
}

/** {@link createCompanion} and `init()`. */
export async function startCompanion(
  options: CompanionOptions = {},
  abortable: Abortable = {},
): Promise<CompanionRunner> {
  const runner = await createCompanion(options, abortable);
  await runner.init(abortable);
  return runner;
}

/** What each candidate would answer to these options, by priority; `chosen` is the one `createCompanion()` takes. */
export async function explainSelection(
  options: CompanionOptions = {},
  { signal }: Abortable = {},
): Promise<readonly CandidateReport[]> {
  return await askAll(parseOptions(options), options, signal);
}
