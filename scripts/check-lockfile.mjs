// Keeps the lockfile good for every platform and every registry.
//
// pnpm leaves out of the lockfile, without a word, a platform's binary that the registry did not have at that moment;
// a frozen install on that platform then lacks the tool. And a lockfile or file that names a registry's host works
// only where that host does.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finish, report, root, skip } from './check-report.mjs';

const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');

/** `name@version` of everything in the lockfile's `packages` section. */
function lockedPackages() {
  const section = /^packages:\n([\s\S]*?)^snapshots:$/m.exec(lockfile)?.[1] ?? '';
  return new Set([...section.matchAll(/^ {2}'?([^\s'].*?)'?:$/gm)].map((match) => match[1]));
}

/** Manifests of everything that is installed, from pnpm's virtual store, which also keeps what is no longer locked. */
function installedManifests(locked) {
  const store = join(root, 'node_modules/.pnpm');
  if (!existsSync(store)) return [];
  const manifests = [];
  for (const entry of readdirSync(store)) {
    const modules = join(store, entry, 'node_modules');
    // 'name@version(peers)' or '@scope+name@version': the package itself, not the links to what it needs beside it.
    const name = /^(@?[^@]+)@/.exec(entry)?.[1]?.replace('+', '/');
    const file = join(modules, name ?? '', 'package.json');
    if (name !== undefined && existsSync(file)) manifests.push(JSON.parse(readFileSync(file, 'utf8')));
  }
  return manifests.filter(({ name, version }) => locked.has(`${name}@${version}`));
}

function isLocked(locked, name, range) {
  if (/^\d/.test(range)) return locked.has(`${name}@${range}`);
  return [...locked].some((key) => key.startsWith(`${name}@`));
}

/** Names hosts without writing one down here; the configured registry's too, whatever it is. */
function hostPatterns() {
  const patterns = [/registry\.npmjs\.(org|com)/, /registry\.yarnpkg\.com/, /npm\.pkg\.github\.com/];
  try {
    const configured = execFileSync('npm', ['config', 'get', 'registry'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      shell: process.platform === 'win32',
    });
    patterns.push(new RegExp(new URL(configured.trim()).host.replaceAll('.', '\\.')));
  } catch {
    // no npm, no configured registry to leak
  }
  return patterns;
}

function repositoryFiles() {
  try {
    const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return list.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
  } catch {
    return null;
  }
}

const locked = lockedPackages();
const manifests = installedManifests(locked);
const declared = manifests.flatMap((manifest) =>
  Object.entries(manifest.optionalDependencies ?? {}).map(([name, range]) => ({ name, range, by: manifest })),
);
const missing = declared
  .filter(({ name, range }) => !isLocked(locked, name, range))
  .map(
    ({ name, range, by }) =>
      `${name}@${range}, which ${by.name}@${by.version} declares, is not in the lockfile`,
  );
report(
  'what is installed can be read',
  manifests.length > 0 && locked.size > 0 ? [] : ['run "npm run setup" first'],
);
report(
  `all ${declared.length} optional dependencies of the ${manifests.length} installed packages are locked`,
  missing,
);

const patterns = hostPatterns();
const urls = lockfile.split('\n').filter((line) => /https?:\/\/|\btarball:/.test(line));
report(
  'the lockfile holds no address',
  urls.map((line) => line.trim()),
);

const files = repositoryFiles();
if (files === null) {
  skip('no file names a registry', 'this is not a git checkout');
} else {
  const naming = files.filter((file) =>
    patterns.some((one) => one.test(readFileSync(join(root, file), 'utf8'))),
  );
  report('no file names a registry', naming);
}
finish('lockfile');
