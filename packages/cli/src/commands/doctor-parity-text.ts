import { formatTable } from '../table.js';
import type { ParityReport } from './doctor-parity.js';
import { KNOWN_TOOLS } from './doctor-parity-options.js';

/** The report as it is read. `required` are the backends that somebody named. */
export function describeParity(report: ParityReport, required: readonly string[]): string {
  const compared = report.backends.flatMap(({ backend, state }) => (state === 'compared' ? [backend] : []));
  const sections = [
    describeBackends(report),
    describeProbes(report, compared),
    verdict(report, compared, required),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

const STATE: Readonly<Record<string, string>> = {
  unavailable: 'not available',
  failed: 'failed',
  'not-installed': 'not installed',
  broken: 'broken',
};

function describeBackends({ backends }: ParityReport): string {
  const width = Math.max(...backends.map(({ backend }) => backend.length)) + 2;
  const lines = backends.flatMap(({ backend, state, reason, hint, detail }) => {
    if (state === 'compared') return [`${backend.padEnd(width)}${detail ?? 'compared'}`];
    const why = state === 'not-installed' || reason === null ? '' : `: ${reason}`;
    const first = `${backend.padEnd(width)}${STATE[state]}${why}`;
    return hint === null ? [first] : [first, `${' '.repeat(width)}${hint}`];
  });
  return textOf(lines);
}

function describeProbes({ probes }: ParityReport, compared: readonly string[]): string {
  const rows = Object.entries(probes).flatMap(([name, { same, variants }]) =>
    variants.map(({ says, backends }, index) => {
      // Capitals, not colour: they are seen in a log, too.
      const result = same ? 'same' : variants.length > 1 ? 'DIFFERS' : 'UNKNOWN';
      const first = index === 0 ? [name, compared.length < 2 ? '' : result] : ['', ''];
      return [...first, backends.length === compared.length ? 'all' : backends.join(', '), says];
    }),
  );
  return rows.length === 0 ? '' : formatTable(['PROBE', 'RESULT', 'BACKEND', 'SAYS'], rows);
}

function verdict(
  { same, backends, probes }: ParityReport,
  compared: readonly string[],
  required: readonly string[],
): string {
  const names = Object.keys(probes);
  if (same) return `The same in ${compared.join(', ')}: ${names.join(', ')}.\n`;
  const lines: string[] = [];
  const say = (what: string, which: readonly string[]): void => {
    if (which.length > 0) lines.push(`${what}: ${which.join(', ')}.`);
  };
  const withVariants = (wanted: (count: number) => boolean): readonly string[] =>
    names.filter((name) => probes[name]?.same === false && wanted(probes[name].variants.length));
  say(
    'Different',
    withVariants((count) => count > 1),
  );
  say(
    'Known in none',
    withVariants((count) => count === 1),
  );
  if (names.length === 0 && compared.length > 0) say('Found in none', Object.keys(KNOWN_TOOLS));
  const missing = backends.filter(
    ({ backend, state }) => state === 'failed' || (state === 'unavailable' && required.includes(backend)),
  );
  say(
    'Not compared',
    missing.map(({ backend }) => backend),
  );
  const [first, second] = compared;
  if (first === undefined) lines.push('Nothing to compare: no backend could be asked.');
  else if (second === undefined) lines.push(`Nothing to compare: only ${first} could be asked.`);
  return textOf(lines);
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
