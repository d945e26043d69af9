import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);
const packageFolder = join(import.meta.dirname, '..');

/** Prints the URL of every module that is loaded. */
const HOOKS = `
import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  writeSync(2, url + '\\n');
  return next(url, context);
}`;

let folder: string;
let register: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'companion-lazy-'));
  const hooks = join(folder, 'hooks.mjs');
  register = join(folder, 'register.mjs');
  await writeFile(hooks, HOOKS);
  await writeFile(
    register,
    `import { register } from 'node:module'; register(${JSON.stringify(`file://${hooks}`)});`,
  );
});

afterAll(() => rm(folder, { recursive: true }));

/** The modules that a plain Node loads for this program, run where the package's dependencies resolve. */
async function modulesLoadedBy(program: string): Promise<readonly string[]> {
  const args = ['--import', `file://${register}`, '--input-type=module', '--eval', program];
  const { stderr } = await run(process.execPath, args, { cwd: packageFolder });
  return stderr.split('\n').filter((url) => url.startsWith('file:'));
}

const CREATE = `
import { createCompanion } from '@companion/core';
import '@companion/backend-local';
const runner = await createCompanion({ sourceDir: '.', preferredBackend: 'local' });
`;

it('registers, detects and starts without loading execa', async () => {
  const modules = await modulesLoadedBy(`${CREATE} await runner.init(); await runner.shutdown();`);
  expect(modules.some((url) => url.includes('backend-local/dist/index.js'))).toBe(true);
  expect(modules.filter((url) => url.includes('execa'))).toEqual([]);
});

it('loads execa with the first process that no supervisor starts', async () => {
  const program = `${CREATE} await runner.init(); await runner.run('true'); await runner.shutdown();`;
  const supervised = await modulesLoadedBy(program);
  expect(supervised.some((url) => url.includes('/execa/'))).toBe(process.platform !== 'linux');
  const direct = await modulesLoadedBy(
    program.replace('sourceDir', 'backendOptions: { local: { supervisor: false } }, sourceDir'),
  );
  expect(direct.filter((url) => url.includes('/execa/'))).not.toEqual([]);
});
