import { type CompanionOptions, type CompanionRunner, createCompanion } from '@companion/core';
import type { Backend } from '@companion/core/backend';
import type { CaseContext } from './case.js';

/**
 * A companion on whichever of these backends core chooses by itself, not started. The companions that a context makes
 * prefer the backend under test.
 */
export async function selectAmong(
  { defaults, signal }: Pick<CaseContext, 'defaults' | 'signal'>,
  backends: readonly Backend[],
  options: CompanionOptions = {},
): Promise<CompanionRunner> {
  // Set for the whole suite, it would name a backend here as well. Core reads it before it first waits.
  const outer = process.env.COMPANION_BACKEND;
  delete process.env.COMPANION_BACKEND;
  const selecting = createCompanion({ ...defaults, ...options, backends }, { signal });
  if (outer !== undefined) process.env.COMPANION_BACKEND = outer;
  return await selecting;
}
