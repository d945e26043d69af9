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

async function useOwnPrograms(supervisor: Supervisor, env: Record<string, string>): Promise<void> {
  expect(await supervisor.resolve('sh', { env: { ...env, PATH: '/nowhere:/bin' }, cwd: '/' })).toBe(
    '/bin/sh',
  );
  expect(await supervisor.resolve('no-such', { env, cwd: '/' })).toBeNull();
  const account = (...args: readonly string[]) =>
    spawnSync(program, ['--account', ...args], { env, encoding: 'utf8' });
  expect(account('root')).toMatchObject({ status: 0, stderr: '' });
  const made = account('0:0', '--home', join(folder, 'a/home')).stdout.split('\0');
  expect(made.slice(0, 2)).toEqual(['0', '0']);
  expect(account('nobody-of-this-name').status).toBe(1);
  expect(spawnSync(program, ['--idle', '0'], { env }).status).toBe(2);
}

async function useRights(supervisor: Supervisor): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const user = { uid: 54_321, gid: 54_321, groups: [1, 2, 3] };
  const groups = await supervisor.spawn(command('id', ['-G'], { user }));
  expect(await textOf(groups.stdout)).toBe('54321 1 2 3\n');
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
    const limits = process.getuid?.() === 0 ? ['--capabilities', 'ffffffff'] : [];
    const { supervisor, end } = await startSession(program, limits, env);
    expect(await supervisor.moveToSocket({ hostDirectory: folder, companionDirectory: '/nothing' })).toBe(
      false,
    );
    expect(await supervisor.moveToSocket({ hostDirectory: folder, companionDirectory: folder })).toBe(true);
    await useOwnPrograms(supervisor, { ASAN_OPTIONS: env.ASAN_OPTIONS });
    await useRights(supervisor);
    await useProcesses(supervisor);
    await useStreams(supervisor);
    await useConnections(supervisor);
    await useTrees(supervisor);
    expect(await end()).toEqual({ code: 0, signal: null });
    expect(readdirSync(reports).map((file) => readFileSync(join(reports, file), 'utf8'))).toEqual([]);
  });
});
