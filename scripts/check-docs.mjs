// What the pages say that can be compared with the repository: links, code blocks, codes, options, packages.
//
//   node scripts/check-docs.mjs [--write]      --write brings code blocks and the table of cases up to date first
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { finish, report, root } from './check-report.mjs';
import { checkBlocks, checkOrigins } from './doc-blocks.mjs';
import { checkCases } from './doc-cases.mjs';
import { workspaceFolders } from './workspace-folders.mjs';

// Three that belong to nobody: /home/me, registry.example and an engine's host as containers call it.
const MACHINE =
  /(?<![\w.@-])\/(?:work|root|tmp|Users|home\/(?!me\b))(?![\w-])[/\w.-]*|\bregistry\.(?!example)[\w.-]+|\b(?<!host\.)[\w-]+\.internal\b/;

const read = (path) => readFileSync(join(root, path), 'utf8');
const pages = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs'), { recursive: true }).map((file) => join('docs', file)),
  ...workspaceFolders(root).map((folder) => join(folder, 'README.md')),
]
  .filter((path) => path.endsWith('.md') && existsSync(join(root, path)))
  .map((path) => path.replaceAll('\\', '/'));

/** The text without code: what looks like a link there is none. */
function prose(text) {
  return text.replace(/^(```|~~~)[\s\S]*?^\1$/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors that GitHub makes of a page's headings. */
function anchors(text) {
  const seen = new Map();
  const headings = text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm);
  return [...headings].map(([, heading]) => {
    const label = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = label.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

function checkLinks(path) {
  const links = prose(read(path)).matchAll(/\]\(([^)\s]+)\)/g);
  return [...links].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [file, anchor] = link.split('#');
    const target = file === '' ? path : join(dirname(path), decodeURI(file));
    if (!existsSync(join(root, target))) return [`${path}: ${link} does not exist`];
    if (anchor === undefined || !target.endsWith('.md') || anchors(read(target)).includes(anchor)) return [];
    return [`${path}: ${link} has no such heading`];
  });
}

/** What is in only one of two lists. */
function differences(what, wanted, page, found) {
  return [
    ...wanted.filter((one) => !found.includes(one)).map((one) => `${what} ${one} is missing in ${page}`),
    ...found.filter((one) => !wanted.includes(one)).map((one) => `${what} ${one} of ${page} does not exist`),
  ];
}

function checkCodes() {
  const [union] = /type CompanionErrorCode =[^;]+/.exec(read('packages/core/src/errors.ts'));
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  const page = 'docs/errors.md';
  return differences(
    'code',
    codes,
    page,
    [...read(page).matchAll(/^### `(\w+)`$/gm)].map(([, one]) => one),
  );
}

/** Members of an interface of core's options. */
function membersOf(name) {
  const [, body] = new RegExp(`interface ${name} \\{([\\s\\S]*?)\\n\\}`).exec(
    read('packages/core/src/options.ts'),
  );
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member);
}

/** The first cells of the first table under a heading whose own first cell says "option". */
function optionRows(page) {
  const [, rows] = /^\| option \|.*\n\|[ |-]+\n((?:\|.*\n)+)/m.exec(read(page));
  return [...rows.matchAll(/^\| `(\w+)`/gm)].map(([, option]) => option);
}

function checkOptions() {
  // `encoding` stands in the signatures of run(), which it changes.
  const ofProcesses = new Set([...membersOf('SpawnOptions'), ...membersOf('RunOptions'), 'encoding']);
  return [
    ...differences('option', membersOf('CompanionOptions'), 'docs/options.md', optionRows('docs/options.md')),
    ...differences('option', [...ofProcesses], 'docs/processes.md', optionRows('docs/processes.md')),
  ];
}

function checkPackageTable() {
  const published = workspaceFolders(root)
    .map((folder) => JSON.parse(read(`${folder}/package.json`)))
    .filter((manifest) => manifest.private !== true)
    .map(({ name }) => name);
  const rows = [...read('README.md').matchAll(/^\| \[?`(@companion\/[\w-]+)`/gm)].map(([, name]) => name);
  return differences('package', published, 'README.md', rows);
}

function checkMachine(path) {
  const lines = read(path).split('\n');
  return lines.flatMap((line, index) => {
    const found = MACHINE.exec(line);
    return found === null ? [] : [`${path}:${index + 1}: ${found[0]}`];
  });
}

const write = process.argv.includes('--write');
const shown = pages.filter((path) => path === 'README.md' || path.startsWith('docs/'));
report('links and anchors resolve', pages.flatMap(checkLinks));
report(
  'code blocks equal their files',
  pages.flatMap((path) => checkBlocks(path, write)),
);
report('JavaScript that is shown is a file that is run', shown.flatMap(checkOrigins));
report('the table of cases is that of the kit', await checkCases(write));
report('every error code has its section', checkCodes());
report('every option has its row', checkOptions());
report('every package has its row', checkPackageTable());
report('no page names a machine or a registry', pages.flatMap(checkMachine));
finish('docs');
