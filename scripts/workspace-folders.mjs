// The folders of the workspace's packages, as pnpm-workspace.yaml lists them: one place for the list.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Relative to `root`, with forward slashes. Reads only the two forms used here: `folder` and `folder/*`. */
export function workspaceFolders(root) {
  const text = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const [, list] = /^packages:\n((?:\s+- .+\n)+)/m.exec(text);
  const patterns = list
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\s*- /, '').trim());
  return patterns
    .flatMap((pattern) => {
      if (!pattern.endsWith('/*')) return [pattern];
      const parent = pattern.slice(0, -2);
      if (!existsSync(join(root, parent))) return [];
      return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
    })
    .filter((folder) => existsSync(join(root, folder, 'package.json')));
}
