import type { Backend } from '@companion/core/backend';
import { describe, expect, test } from 'vitest';
import type { ConformanceCase } from '../../src/case.js';
import { conformanceCases } from '../../src/cases.js';
import type { ConformanceTarget } from '../../src/plan.js';
import type { CaseReport } from '../../src/report.js';
import { runSuite } from '../../src/run-conformance.js';
import { Suite } from '../../src/suite.js';
import { directLocal } from '../fixtures/direct-local.mjs';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/**
 * Reasons that do not begin with what was demanded: an error that came through as it was, a comparison that nobody
 * explained, or a time limit without a word about what was waited for. With such a one a mutant may have been failed
 * for anything.
 */
const SAYS_NO_DEMAND = /^(?:\w*Error|COMPANION_\w+): |^Expected /;

/** Far from most rules, and quick: a mutant that fails both breaks more than what it says. */
const ELSEWHERE = ['arguments.unicode', 'exit-status.high-code-is-a-code'];

/** As another program imports it. */
const module = `${new URL('../fixtures/direct-local.mjs', import.meta.url).href}#directLocal`;

/**
 * Registers a test per mutant: the cases it names fail and say what was demanded, they pass (or do not apply) where
 * nothing is broken, and cases about something else pass.
 * `real` is what the mutants are made of.
 */
export function judge(area: string, mutants: readonly Mutant[], real: Backend = directLocal): void {
  describe(`mutants of ${area}`, () => {
    let cases = conformanceCases;

    test('without a change, the wrapped backend passes the cases that fail the mutants', async () => {
      const only = [...new Set(mutants.flatMap(({ failedBy }) => failedBy))];
      const reports = await run({ backend: wrap(real), module }, only, conformanceCases);
      expect(reports.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
      cases = conformanceCases.map((one) => hurried(one, reports));
    }, 300_000);

    for (const mutant of mutants) {
      const { id, backend, failedBy, breaksEverything = false, needsRoot = false } = mutant;
      const skipped = needsRoot && process.getuid?.() !== 0;
      const title = `${id} is failed by the cases about its rule${skipped ? ' (skipped: it needs root)' : ''}`;
      test.skipIf(skipped)(title, { timeout: 120_000 }, async () => {
        const target = { backend: backend(real), module: mutant.module ?? module };
        const reports = await run(target, failedBy, cases, 500);
        expect(reports.filter(({ verdict }) => verdict !== 'failed')).toEqual([]);
        expect(reports.filter(({ reason = '' }) => SAYS_NO_DEMAND.test(reason))).toEqual([]);
        if (breaksEverything) return;
        const elsewhere = await run(target, ELSEWHERE, conformanceCases, 500);
        expect(elsewhere.filter(({ verdict }) => verdict === 'passed')).not.toEqual([]);
      });
    }
  });
}

/** What the cases themselves say; checks of the suite as a whole have tests of their own. */
async function run(
  target: ConformanceTarget,
  only: readonly string[],
  cases: readonly ConformanceCase[],
  shutdownMs?: number,
): Promise<readonly CaseReport[]> {
  const suite = await Suite.prepare({ ...target, required: true }, { only, cases, shutdownMs });
  const report = await runSuite(suite, target.backend.name);
  return report.cases.filter(({ id }) => !id.startsWith('suite.'));
}

/** A mutant that hangs need not be waited for much longer than the case takes where nothing is broken. */
function hurried(one: ConformanceCase, reports: readonly CaseReport[]): ConformanceCase {
  const measured = reports.find(({ id, verdict }) => id === one.id && verdict === 'passed');
  return { ...one, timeoutMs: measured === undefined ? 5000 : Math.round(2000 + 2 * measured.durationMs) };
}
