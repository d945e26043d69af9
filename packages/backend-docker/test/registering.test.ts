import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const HOOKS = `
import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  writeSync(1, url + '\\n');
  return next(url, context);
}`;

test('registering loads no dependency, and nothing that only an engine or a container needs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'companion-registering-'));
  try {
    const hooks = join(folder, 'hooks.mjs');
    const register = join(folder, 'register.mjs');
    writeFileSync(hooks, HOOKS);
    const url = JSON.stringify(pathToFileURL(hooks).href);
    writeFileSync(register, `import { register } from 'node:module'; register(${url});`);
    const args = ['--import', pathToFileURL(register).href, '--input-type=module'];
    const program = "import '@companion/backend-docker';";
    const said = execFileSync(process.execPath, [...args, '--eval', program], {
      cwd: join(import.meta.dirname, '..'),
      encoding: 'utf8',
    });
    const files = said.split('\n').filter((one) => one.startsWith('file:') && !one.includes('/core/'));
    expect(files.map((one) => one.replace(/.*\/(?=backend-docker\/)/, ''))).toEqual([
      'backend-docker/dist/index.js',
      'backend-docker/dist/backend.js',
      'backend-docker/dist/environment.js',
      'backend-docker/dist/options.js',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
