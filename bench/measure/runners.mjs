import { spawn } from 'node:child_process';
import { localBackend } from '@companion/backend-local/backend';
import { startCompanion } from '@companion/core';
import { execa } from 'execa';
import { x } from 'tinyexec';

/** The name under which `node:child_process` appears in tables: the floor that everybody stands on. */
export const FLOOR = 'child_process.spawn';

/** As on systems without a supervisor. */
export const DIRECT = 'companion, without supervisor';

/**
 * The same job in five ways: run a command with an empty standard input, and resolve with its output and exit code.
 * `companion` has to be ended with `close()`.
 */
export async function commandRunners() {
  const options = { backends: [localBackend], sourceDir: import.meta.dirname };
  const companion = await startCompanion(options);
  const direct = await startCompanion({ ...options, backendOptions: { local: { supervisor: false } } });
  const run = {
    [FLOOR]: runByHand,
    execa: async (file, args) => {
      const { stdout, exitCode } = await execa(file, args, { stdin: 'ignore', stripFinalNewline: false });
      return { stdout, code: exitCode };
    },
    tinyexec: async (file, args) => {
      const { stdout, exitCode } = await x(file, args, {
        nodeOptions: { stdio: ['ignore', 'pipe', 'pipe'] },
      });
      return { stdout, code: exitCode };
    },
    companion: (file, args) => companion.run(file, args),
    [DIRECT]: (file, args) => direct.run(file, args),
  };
  return { run, companion, close: () => Promise.all([companion.shutdown(), direct.shutdown()]) };
}

/** What one writes without a library. */
export function runByHand(file, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ stdout, stderr, code }));
  });
}
