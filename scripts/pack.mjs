// Packs every published package as the next release will: versioned by the pending changesets, in a copy, so that the
// working tree stays as it is. (As it stands the tree says 0.0.0 until the first release, which no peer range accepts.)
//
//   node scripts/pack.mjs [folder]      default: artifacts
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './check-report.mjs';

/** Returns `{ name, version, file }` of each tarball. Expects the packages to be built and PATH to know pnpm. */
export function pack(destination) {
  const stage = mkdtempSync(join(tmpdir(), 'companion-pack-'));
  const options = { cwd: stage, encoding: 'utf8', shell: process.platform === 'win32' };
  try {
    for (const file of ['package.json', 'pnpm-workspace.yaml', '.changeset', 'LICENSE']) {
      cpSync(join(root, file), join(stage, file), { recursive: true });
    }
    cpSync(join(root, 'packages'), join(stage, 'packages'), {
      recursive: true,
      verbatimSymlinks: true, // packages/x/node_modules/@companion/core must mean the copy
      filter: (source) => !['test', '.turbo', '.bin'].includes(basename(source)),
    });
    execFileSync('changeset', ['version'], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    rmSync(destination, { recursive: true, force: true });
    mkdirSync(destination, { recursive: true });
    const packing = ['--recursive', '--filter', './packages/*', 'pack', '--pack-destination', destination];
    execFileSync('pnpm', packing, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
    return readdirSync(join(stage, 'packages')).map((folder) => {
      const { name, version } = JSON.parse(
        readFileSync(join(stage, 'packages', folder, 'package.json'), 'utf8'),
      );
      return {
        name,
        version,
        file: join(destination, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`),
      };
    });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { file } of pack(resolve(process.argv[2] ?? join(root, 'artifacts')))) console.log(file);
}
