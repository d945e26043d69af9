import type { Backend, Capabilities, CompanionOptions } from '@companion/core';
import type { ConformanceCase } from './case.js';
import { REVISION } from './revision.js';

/** A backend under test, and what is known about it. */
export interface ConformanceTarget {
  readonly backend: Backend;
  /** Which image container backends run the cases in: POSIX sh and busybox-class tools suffice. */
  readonly image?: CompanionOptions['image'];
  /** Cases newer than this revision of the list are skipped. Default: {@link REVISION}, all of them. */
  readonly revision?: number;
  /** Case id to issue: known defects. The case must fail; once it passes, the run fails until the waiver is gone. */
  readonly waivers?: Readonly<Record<string, string>>;
  /**
   * A backend that is not available on this machine fails instead of being skipped. Default: whether it is named in
   * `COMPANION_REQUIRE_BACKENDS` (comma-separated).
   */
  readonly required?: boolean;
  /**
   * How another program imports the backend: `specifier` or `specifier#export`; bare specifiers and relative paths
   * are taken from the current directory. Cases about the owner's death need it, and a plain Node must be able to
   * read it.
   */
  readonly module?: string;
}

/** What becomes of one case. */
export type PlannedCase =
  | { readonly case: ConformanceCase; readonly action: 'run' }
  | { readonly case: ConformanceCase; readonly action: 'skip'; readonly reason: string }
  | { readonly case: ConformanceCase; readonly action: 'must-fail'; readonly issue: string };

/**
 * Decides for each case, in the order given, and does nothing else. `capabilities` are this machine's where
 * `detect()` has lowered them.
 *
 * @throws TypeError for a waiver of an unknown case and for an impossible revision.
 */
export function planConformance(
  cases: readonly ConformanceCase[],
  target: ConformanceTarget,
  capabilities: Capabilities = target.backend.capabilities,
): readonly PlannedCase[] {
  const { waivers = {}, revision = REVISION } = target;
  if (!Number.isInteger(revision) || revision < 1 || revision > REVISION) {
    throw new TypeError(`revision: expected 1 to ${REVISION}, got ${revision}`);
  }
  const unknown = Object.keys(waivers).filter((id) => !cases.some((one) => one.id === id));
  if (unknown.length > 0) {
    throw new TypeError(`waivers: expected ids of cases, got ${unknown.join(', ')}`);
  }
  return cases.map((one): PlannedCase => {
    const reason = whySkipped(one, target, revision, capabilities);
    if (reason !== null) return { case: one, action: 'skip', reason };
    const issue = Object.hasOwn(waivers, one.id) ? waivers[one.id] : undefined;
    return issue === undefined ? { case: one, action: 'run' } : { case: one, action: 'must-fail', issue };
  });
}

/** What `only` names: ids, or areas (what stands before the dot). @throws TypeError for one that names nothing. */
export function chosenCases(
  cases: readonly ConformanceCase[],
  only: readonly string[] | undefined,
): readonly ConformanceCase[] {
  if (only === undefined) return cases;
  const isNamed = (one: ConformanceCase, name: string): boolean =>
    one.id === name || one.id.startsWith(`${name}.`);
  const idle = only.filter((name) => !cases.some((one) => isNamed(one, name)));
  if (only.length === 0 || idle.length > 0) {
    const areas = [...new Set(cases.map(({ id }) => id.split('.')[0]))].sort().join(', ');
    const got = idle.length > 0 ? idle.join(', ') : 'none';
    throw new TypeError(`only: expected ids or areas of cases, got ${got}; the areas are ${areas}`);
  }
  return cases.filter((one) => only.some((name) => isNamed(one, name)));
}

/** Whether absence is a failure; `variables` are this process's. */
export function isRequired(
  { backend, required }: ConformanceTarget,
  variables: Readonly<Record<string, string | undefined>>,
): boolean {
  const named = (variables.COMPANION_REQUIRE_BACKENDS ?? '').split(',').map((name) => name.trim());
  return required ?? named.includes(backend.name);
}

function whySkipped(
  { since, requires, needsModule = false }: ConformanceCase,
  target: ConformanceTarget,
  revision: number,
  capabilities: Capabilities,
): string | null {
  if (since > revision) return `newer (revision ${since}) than the pinned revision ${revision}`;
  for (const [key, wanted] of Object.entries(requires)) {
    const values: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
    const has = capabilities[key as keyof Capabilities];
    if (!values.includes(has)) return `applies to ${key} ${values.join(' or ')}, it has ${has}`;
  }
  if (needsModule && target.module === undefined) {
    return 'a second program has to import the backend, and the target names no module';
  }
  return null;
}
