import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConformanceCase } from '../src/case.js';
import type { ConformanceTarget } from '../src/plan.js';
import { type CaseOutcome, type CaseSurroundings, runCase } from '../src/run-case.js';

/** Runs one case by itself, as a suite would. */
export async function runCaseOn(
  one: ConformanceCase,
  target: ConformanceTarget,
  surroundings: Partial<CaseSurroundings> = {},
): Promise<CaseOutcome> {
  const root = await mkdtemp(join(tmpdir(), 'companion-testkit-'));
  try {
    return await runCase(one, {
      target,
      capabilities: target.backend.capabilities,
      directory: join(root, 'case'),
      mark: `${root}.`,
      shared: () => Promise.reject(new Error('nothing is shared here')),
      ...surroundings,
    });
  } finally {
    await rm(root, { recursive: true });
  }
}
