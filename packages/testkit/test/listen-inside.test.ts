import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localBackend } from '@companion/backend-local/backend';
import { type CompanionRunner, startCompanion } from '@companion/core';
import { afterEach, expect, test } from 'vitest';
import { listenInside } from '../src/listen-inside.js';
import { exchange } from '../src/tcp.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

/** A companion that finds these programs and no others. */
async function companionWith(programs: Readonly<Record<string, string>>): Promise<CompanionRunner> {
  const directory = await mkdtemp(join(tmpdir(), 'companion-listen-'));
  cleanups.push(() => rm(directory, { recursive: true }));
  for (const [name, path] of Object.entries(programs)) await symlink(path, join(directory, name));
  const runner = await startCompanion({
    backends: [localBackend],
    preferredBackend: 'local',
    sourceDir: directory,
    env: { PATH: directory },
    ports: [{ name: 'echo' }, { name: 'digest' }],
  });
  cleanups.push(() => runner.shutdown());
  return runner;
}

/** Absolute path of a program of this machine, as it names itself where it can; `undefined` when it is not there. */
function whereIs(name: string, ...ask: readonly string[]): string | undefined {
  try {
    const [file = '', ...args] =
      ask.length > 0 ? [name, ...ask] : ['sh', '-c', 'command -v "$1"', 'sh', name];
    return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

const tools = {
  perl: whereIs('perl', '-MIO::Socket::INET', '-e', 'print $^X'),
  node: process.execPath,
  python3: whereIs('python3', '-c', 'import sys; print(sys.executable)'),
};

for (const [tool, path] of Object.entries(tools)) {
  test.skipIf(path === undefined)(
    `with ${tool}, both kinds of server answer after their client has ended its side`,
    async () => {
      const common = Object.fromEntries(
        ['sh', 'cat', 'grep', 'sha256sum'].map((name) => [name, whereIs(name) ?? `/bin/${name}`]),
      );
      const runner = await companionWith({ ...common, [tool]: path ?? '' });
      const { signal } = new AbortController();
      const bytes = Buffer.alloc(300_000, 'some text');
      const echo = await listenInside(runner, runner.endpoint('echo').companionPort, 'echo');
      const echoed = await exchange(await runner.waitForPort('echo', { process: echo }), bytes, signal);
      expect(echoed.equals(bytes)).toBe(true);
      const digest = await listenInside(runner, runner.endpoint('digest').companionPort, 'digest');
      const answer = await exchange(await runner.waitForPort('digest', { process: digest }), bytes, signal);
      expect(answer.toString().slice(0, 64)).toBe(createHash('sha256').update(bytes).digest('hex'));
    },
  );
}

test('without any of its tools it says which ones would do', async () => {
  const runner = await companionWith({
    sh: whereIs('sh') ?? '/bin/sh',
    grep: whereIs('grep') ?? '/bin/grep',
  });
  await expect(listenInside(runner, 4711)).rejects.toThrow(/none of perl, node, python3 and busybox nc/);
});
