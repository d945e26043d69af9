import { sourceOf } from './cases.js';

/** What became of one case. */
export interface CaseReport {
  readonly id: string;
  readonly title: string;
  readonly verdict: 'passed' | 'failed' | 'skipped' | 'waived';
  /** Why it was skipped; what failed; the issue of a waived one and what failed. May have several lines. */
  readonly reason?: string;
  readonly durationMs: number;
}

/** What became of a run: green when nothing failed. Its shape is stable, and it is what the JSON report holds. */
export interface ConformanceReport {
  readonly backend: string;
  readonly counts: {
    readonly passed: number;
    readonly failed: number;
    readonly skipped: number;
    readonly waived: number;
  };
  readonly cases: readonly CaseReport[];
}

export function reportOf(backend: string, cases: readonly CaseReport[]): ConformanceReport {
  const count = (verdict: CaseReport['verdict']): number =>
    cases.filter((one) => one.verdict === verdict).length;
  return {
    backend,
    counts: {
      passed: count('passed'),
      failed: count('failed'),
      skipped: count('skipped'),
      waived: count('waived'),
    },
    cases,
  };
}

export interface TextOptions {
  /** How the backend was named, for the command that runs a case alone. Default: a placeholder. */
  readonly module?: string | undefined;
}

/** For humans: one line per case, then what failed, then the sum. */
export function formatText(report: ConformanceReport, { module = '<module>' }: TextOptions = {}): string {
  const failed = report.cases.filter((one) => one.verdict === 'failed');
  return [
    ...report.cases.map(formatCase),
    ...failed.map((one) => `\n${formatFailure(one, { module })}`),
    '',
    formatCounts(report),
    '',
  ].join('\n');
}

/** One line: verdict, id, title, and why or how long. */
export function formatCase({ id, title, verdict, reason, durationMs }: CaseReport): string {
  const line = `${verdict.padEnd(7)}  ${id}: ${title}`;
  if (verdict === 'passed') return `${line} (${Math.round(durationMs)} ms)`;
  return verdict === 'failed' || reason === undefined ? line : `${line} [${reason.split('\n')[0]}]`;
}

/** `local: 12 passed, 0 failed, 3 skipped, 0 waived` */
export function formatCounts({ backend, counts }: ConformanceReport): string {
  const { passed, failed, skipped, waived } = counts;
  return `${backend}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${waived} waived`;
}

/** For programs. */
export function formatJson(report: ConformanceReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * A failed case in full: its rule, what of it is broken (a sentence that is not so, and what was found instead), where
 * it is written down, and how to run it alone.
 */
export function formatFailure(
  { id, title, reason = '' }: CaseReport,
  { module = '<module>' }: TextOptions = {},
): string {
  const lines = [
    `FAILED ${id}`,
    `  rule:    ${title}`,
    `  not so:  ${reason.split('\n').join('\n           ')}`,
  ];
  // What is demanded of a whole run has no case of its own.
  if (!id.startsWith('suite.')) {
    lines.push(`  source:  ${sourceOf(id)} of @companion/testkit`);
    lines.push(`  alone:   npx companion conformance ${module} --only ${id}`);
  }
  return lines.join('\n');
}
