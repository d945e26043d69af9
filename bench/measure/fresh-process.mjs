import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A program of `fixtures/`. */
export function fixture(name) {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/**
 * Runs a fixture in a Node process of its own, which has nothing loaded and nothing on its heap, and resolves with what
 * it says on its last line (JSON), and with the milliseconds to its first byte and to its end.
 */
export async function freshProcess(name, args = [], flags = []) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...flags, fixture(name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  let firstByteMs = Number.NaN;
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    if (text === '') firstByteMs = performance.now() - startedAt;
    text += chunk;
  });
  let endMs = Number.NaN;
  child.once('exit', () => {
    endMs = performance.now() - startedAt;
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`fixture ${name} ${args.join(' ')} ended with ${code}`);
  const said = text.trimEnd().split('\n').at(-1);
  return { said: said === '' ? null : JSON.parse(said), firstByteMs, endMs };
}
