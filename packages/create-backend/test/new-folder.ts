import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const PACKAGES = fileURLToPath(new URL('../..', import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory of a user's own, gone after the test. */
export interface NewFolder {
  readonly directory: string;
  [Symbol.dispose](): void;
}

export function newFolder(): NewFolder {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'companion-create-')));
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Runs the built command to its end. */
export function createBackend(cwd: string, ...args: readonly string[]): Promise<Ended> {
  if (!existsSync(BIN)) throw new Error(`${BIN} is missing: build first`);
  return run(cwd, BIN, ...args);
}

/** Runs a program with this Node. What it says is its outcome, whatever its code. */
export function run(cwd: string, ...args: readonly string[]): Promise<Ended> {
  const { NODE_PATH: _nodePath, COMPANION_REQUIRE_BACKENDS: _required, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd, env }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** What `npm install` would bring: the built packages. */
export function installPackages(directory: string): void {
  const scope = join(directory, 'node_modules/@companion');
  mkdirSync(scope, { recursive: true });
  for (const name of ['core', 'testkit']) symlinkSync(join(PACKAGES, name), join(scope, name), 'dir');
}
