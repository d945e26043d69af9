import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Names, namesFor } from './names.js';
import { UsageError } from './usage-error.js';

const TEMPLATE = fileURLToPath(new URL('../template', import.meta.url));
/** By their names in the template, where npm would take them for this package's own. */
const RENAMED: Readonly<Record<string, string>> = {
  gitignore: '.gitignore',
  'manifest.json': 'package.json',
};

/**
 * Makes the folder, relative to the current directory, and puts a backend into it that is named after it.
 * @throws UsageError for a folder with something in it and for a name that cannot be; nothing is written then.
 */
export function createBackend(folder: string): Names {
  const path = resolve(folder);
  const names = namesFor(basename(path));
  assertEmpty(path, folder);
  for (const entry of readdirSync(TEMPLATE, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const target = join(path, relative(TEMPLATE, entry.parentPath), RENAMED[entry.name] ?? entry.name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, named(readFileSync(join(entry.parentPath, entry.name), 'utf8'), names));
  }
  return names;
}

/** The template is a package that works; its own names stand where others are wanted. */
function named(text: string, { packageName, backendName, constantName, className }: Names): string {
  return text
    .replaceAll('companion-backend-template', packageName)
    .replaceAll('templateBackend', constantName)
    .replaceAll('TemplateEnvironment', className)
    .replaceAll(/\btemplate\b/g, backendName);
}

function assertEmpty(path: string, folder: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory())
    throw new UsageError(`${folder} is a file`, 'Name a folder that is not there yet.');
  const [found] = readdirSync(path).filter((name) => name !== '.git');
  if (found === undefined) return;
  const what = folder === '.' ? 'the current directory' : folder;
  throw new UsageError(
    `${what} is not empty: it has ${found}, for one`,
    'Name a folder that is not there yet: npm create @companion/backend my-backend',
  );
}
