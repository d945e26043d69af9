import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Supervisor } from '../../src/supervisor.js';
import { command, startSession, textOf, whyNot } from './session.js';

const folder = mkdtempSync(join(tmpdir(), 'companion-sanitized-'));
const build = new URL('../../native/build-sanitized.sh', import.meta.url).pathname;
const probe = ['-x', 'c', '-', '-fsanitize=address,undefined', '-o', join(folder, 'probe')];
const probed = process.platform === 'linux' ? { input: 'int main(void) { return 0; }' } : { input: '' };
const why = whyNot(spawnSync('gcc', probe, probed), 'gcc with sanitizers on Linux (Debian: gcc)');

const program = join(folder, 'companion-supervisor');
const reports = join(folder, 'reports');

async function useProcesses(supervisor: Supervisor): Promise<void> {
  const exits = Array.from({ length: 50 }, async (_, index) => {
    const one = await supervisor.spawn(command('sh', ['-c', `echo ${index}; exit ${index}`]));
    expect(await textOf(one.stdout)).toBe(`${index}\n`);
    expect(await one.exited).toEqual({ code: index, signal: null });
  });
  await Promise.all(exits);
  for (const wrong of [command('no-such', []), command('/', []), command('sh', [], { cwd: '/no-such' })]) {
    await expect(supervisor.spawn(wrong)).rejects.toThrow();
  }
}

async function useStreams(supervisor: Supervisor): Promise<void> {
  const cat = await supervisor.spawn(command('cat', [], { stdin: 'pipe' }));
  const sent = 'x'.repeat(1_000_000);
  cat.stdin?.end(sent);
  expect(await textOf(cat.stdout)).toBe(sent);
  const tty = { columns: 80, rows: 24 };
  const terminal = await supervisor.spawn(command('cat', [], { stdin: 'pipe', tty }));
  terminal.stdin?.end('hello\n');
  expect(await textOf(terminal.stdout)).toContain('hello');
  const yes = await supervisor.spawn(command('yes', []));
  yes.stdout.destroy();
  expect((await yes.exited).signal).toBe('SIGPIPE');
}

async function useConnections(supervisor: Supervisor): Promise<void> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  expect(await supervisor.listening(address.port)).toBe(true);
  const connection = await supervisor.connect(address.port);
  connection.end('y'.repeat(300_000));
  expect(await textOf(connection)).toBe('y'.repeat(300_000));
  server.close();
  await once(server, 'close');
  await expect(supervisor.connect(address.port)).rejects.toThrow();
}

async function useTrees(supervisor: Supervisor): Promise<void> {
  const tree = await supervisor.spawn(command('sh', ['-c', 'setsid sleep 1000 & echo; sleep 1000 & wait']));
  await once(tree.stdout, 'data');
  expect(await tree.descendants()).not.toEqual([]);
  await tree.kill('SIGTERM', 'tree');
  await tree.kill('SIGKILL', 'tree');
  await tree.exited;
  const last = await supervisor.spawn(command('sleep', ['1000']));
  await supervisor.endAll({ graceMs: 100 });
  await last.exited;
}

describe.skipIf(why !== undefined)(`the supervisor under sanitizers${why ? ` (${why})` : ''}`, () => {
  beforeAll(() => {
    mkdirSync(reports);
    const built = spawnSync('sh', [build, program], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(built.stderr);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reports nothing', { timeout: 60_000 }, async () => {
    // AddressSanitizer's go to files; UBSan's end the supervisor with code 1.
    const env = {
      PATH: process.env.PATH,
      ASAN_OPTIONS: `detect_leaks=0:log_path=${join(reports, 'report')}`,
    };
    const { supervisor, end } = await startSession(program, [], env);
    await useProcesses(supervisor);
    await useStreams(supervisor);
    await useConnections(supervisor);
    await useTrees(supervisor);
    expect(await end()).toEqual({ code: 0, signal: null });
    expect(readdirSync(reports).map((file) => readFileSync(join(reports, file), 'utf8'))).toEqual([]);
  });
});
