// docs/conformance.md: the table of cases, generated from the built kit.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './check-report.mjs';

const page = 'docs/conformance.md';
const TABLE = /(?<=<!-- the cases, from packages\/testkit -->\n)[\s\S]*?(?=<!-- end -->)/;

function applies({ requires, needsModule }) {
  const capabilities = Object.entries(requires).map(([key, wanted]) => {
    return `\`${key}\` ${[wanted].flat().join(' or ')}`;
  });
  return [...capabilities, ...(needsModule ? ['a `module`'] : [])].join(', ');
}

function tableOf(cases) {
  const areas = [...new Set(cases.map(({ id }) => id.split('.')[0]))].sort();
  const sections = areas.map((area) => {
    const rows = cases
      .filter(({ id }) => id.startsWith(`${area}.`))
      .map((one) => `| \`${one.id}\` | ${one.title.replaceAll('|', '\\|')} | ${applies(one)} |`);
    return [`### ${area}`, '', '| case | rule | applies to |', '| --- | --- | --- |', ...rows, ''].join('\n');
  });
  return `\n${cases.length} cases.\n\n${sections.join('\n')}\n`;
}

/** The table has to be that of the kit; with `write` it is made so. Needs the build of packages/testkit. */
export async function checkCases(write) {
  const kit = join(root, 'packages/testkit/dist/index.js');
  if (!existsSync(kit)) return [`${page}: packages/testkit is not built: npm run build`];
  const { conformanceCases } = await import(pathToFileURL(kit).href);
  const text = readFileSync(join(root, page), 'utf8');
  if (!TABLE.test(text)) return [`${page}: there is no place for the table`];
  const filled = text.replace(TABLE, () => tableOf(conformanceCases));
  if (filled === text) return [];
  if (!write) return [`${page} differs from the kit: npm run build && node scripts/check-docs.mjs --write`];
  writeFileSync(join(root, page), filled);
  return [];
}
