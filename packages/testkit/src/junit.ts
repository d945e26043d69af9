import { sourceOf } from './cases.js';
import type { CaseReport, ConformanceReport } from './report.js';

/** JUnit XML, as CI systems read it. A waived case counts as skipped there: the format knows nothing like it. */
export function formatJUnit({ backend, counts, cases }: ConformanceReport): string {
  const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);
  const total = cases.reduce((sum, one) => sum + one.durationMs, 0);
  const totals = [
    `tests="${cases.length}"`,
    `failures="${counts.failed}"`,
    'errors="0"',
    `skipped="${counts.skipped + counts.waived}"`,
    `time="${seconds(total)}"`,
  ].join(' ');
  const name = escaped(`conformance of ${backend}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${name}" ${totals}>`,
    `  <testsuite name="${name}" ${totals}>`,
    ...cases.flatMap((one) => {
      const attributes = [
        `classname="${escaped(`${backend}.${one.id.split('.')[0]}`)}"`,
        `name="${escaped(`${one.id}: ${one.title}`)}"`,
        `file="${sourceOf(one.id)}"`,
        `time="${seconds(one.durationMs)}"`,
      ].join(' ');
      const inside = insideOf(one);
      return inside === undefined
        ? [`    <testcase ${attributes}/>`]
        : [`    <testcase ${attributes}>`, `      ${inside}`, '    </testcase>'];
    }),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function insideOf({ verdict, reason = '' }: CaseReport): string | undefined {
  if (verdict === 'passed') return undefined;
  const message = escaped(reason.split('\n')[0] ?? '');
  if (verdict === 'failed') return `<failure message="${message}">${escaped(reason)}</failure>`;
  return `<skipped message="${verdict === 'waived' ? 'waived: ' : ''}${message}"/>`;
}

// XML 1.0 has no way to write most control characters, and a case's output may hold any of them.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones meant
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escaped(text: string): string {
  return text
    .replace(UNWRITABLE, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
