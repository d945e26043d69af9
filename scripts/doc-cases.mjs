// docs/conformance.md: the cases, the mutants that they fail, and why some fail none, from the sources of the kit.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './check-report.mjs';
import { loadKit } from './kit-sources.mjs';

const page = 'docs/conformance.md';
const TABLES = /(?<=<!-- the cases, from packages\/testkit -->\n)[\s\S]*?(?=<!-- end -->)/;

const cell = (text) => text.replaceAll('|', '\\|');
const areaOf = (id) => id.split(/[./]/)[0];
const areasOf = (list) => [...new Set(list.map(({ id }) => areaOf(id)))].sort();
const anchorOf = (heading) => heading.toLowerCase().replaceAll(' ', '-');

/** One table per area of those in the list. */
function sections(list, heading, columns, rowOf) {
  return areasOf(list).flatMap((area) => [
    `### ${heading(area)}`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${' --- |'.repeat(columns.length)}`,
    ...list.filter(({ id }) => areaOf(id) === area).map((one) => `| ${rowOf(one).join(' | ')} |`),
    '',
  ]);
}

function applies({ requires, needsModule }) {
  const capabilities = Object.entries(requires).map(([key, wanted]) => {
    return `\`${key}\` ${[wanted].flat().join(' or ')}`;
  });
  return [...capabilities, ...(needsModule ? ['a `module`'] : [])].join(', ');
}

/** The mutants that fail a case, or a link to the reason why there is none. */
function provenBy({ id }, mutants, unproven) {
  const failing = mutants.filter(({ failedBy }) => failedBy.includes(id)).map((mutant) => `\`${mutant.id}\``);
  if (failing.length > 0) return failing.join(', ');
  const { label } = unproven.find(({ cases }) => cases.includes(id));
  return `none: [${label.toLowerCase()}](#${anchorOf(label)})`;
}

function failedBy(one, areas) {
  return one.failedBy.map((id) => (areas.includes(id) ? `every case of ${id}` : `\`${id}\``)).join(', ');
}

function tablesOf({ conformanceCases: cases, mutants, unproven }) {
  const proven = cases.filter(({ id }) => mutants.some((mutant) => mutant.failedBy.includes(id)));
  const areas = areasOf(cases);
  return [
    '',
    `${cases.length} cases. ${proven.length} of them have been shown to bite, by ${mutants.length} [mutants](#the-mutants); the other`,
    `${cases.length - proven.length} have [none](#cases-without-a-mutant), with the reason.`,
    '',
    ...sections(
      cases,
      (area) => area,
      ['case', 'rule', 'applies to', 'fails the mutants'],
      (one) => [`\`${one.id}\``, cell(one.title), applies(one), provenBy(one, mutants, unproven)],
    ),
    '## The mutants',
    '',
    'Each is the local backend with one rule broken, or one capability claimed that is not there, by a few lines in',
    '[`packages/testkit/test/mutants`](../packages/testkit/test/mutants). Every run of the tests shows that the cases named',
    'fail it, and that they pass where nothing is broken.',
    '',
    ...sections(
      mutants,
      (area) => `mutants: ${area}`,
      ['mutant', 'the rule, and how it is broken', 'failed by'],
      (one) => [`\`${one.id}\``, cell(one.breaks), failedBy(one, areas)],
    ),
    '## Cases without a mutant',
    '',
    ...unproven.flatMap(({ label, reason, cases: ids }) => [
      `### ${label}`,
      '',
      `${reason} ${ids.map((id) => `\`${id}\``).join(', ')}`,
      '',
    ]),
  ].join('\n');
}

/** The tables have to be those of the kit; with `write` they are made so. */
export async function checkCases(write) {
  const text = readFileSync(join(root, page), 'utf8');
  if (!TABLES.test(text)) return [`${page}: there is no place for the tables`];
  const tables = tablesOf(await loadKit());
  const filled = text.replace(TABLES, () => `${tables}\n`);
  if (filled === text) return [];
  if (!write) return [`${page} differs from the kit: node scripts/check-docs.mjs --write`];
  writeFileSync(join(root, page), filled);
  return [];
}
