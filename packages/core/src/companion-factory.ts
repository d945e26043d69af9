import type { Abortable } from './backend.js';
import { CompanionRunner } from './companion-runner.js';
import { EventPublisher } from './events.js';
import type { CompanionOptions } from './options.js';
import { askAll, type CandidateReport, select } from './select/select.js';
import { parseOptions } from './settings.js';

export async function makeCompanion(
  options: CompanionOptions,
  { signal }: Abortable,
): Promise<CompanionRunner> {
  const settings = parseOptions(options);
  const publisher = new EventPublisher({ id: settings.id, name: settings.name }, options.onEvent);
  const selected = await select(settings, options, publisher.emit, signal);
  return new CompanionRunner(settings, selected, publisher);
}

export async function askCandidates(
  options: CompanionOptions,
  { signal }: Abortable,
): Promise<readonly CandidateReport[]> {
  return await askAll(parseOptions(options), options, signal);
}
