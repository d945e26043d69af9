import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, isRunnable, run, startSupervisor, WHERE } from './real-supervisor.js';

const KIB = 1024;

describe.runIf(isRunnable)(`what cannot be started ${WHERE}`, () => {
  let folder: string;
  const file = (name: string, text: string, mode: number): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode });
    return path;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'companion-failures-'));
    mkdirSync(join(folder, 'directory'));
    file('not-executable', '#!/bin/sh\n', 0o644);
    file('no-interpreter', '#!/nowhere/interpreter\n', 0o755);
    file('no-format', 'echo "run by a shell: $1"\n', 0o755);
    file('tool', '#!/bin/sh\necho "tool $0"\n', 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['a missing directory', 'true', 'nowhere', 'COMPANION_WORK_DIR_NOT_FOUND', 'directory', 'ENOENT'],
    ['a directory that is a file', 'true', 'tool', 'COMPANION_WORK_DIR_NOT_FOUND', 'directory', 'ENOTDIR'],
    [
      'a missing directory and command',
      'nothing',
      'nowhere',
      'COMPANION_WORK_DIR_NOT_FOUND',
      'directory',
      'ENOENT',
    ],
    ['a missing command', 'nothing', '', 'COMPANION_COMMAND_NOT_FOUND', 'program', 'ENOENT'],
    ['an empty command', '', '', 'COMPANION_COMMAND_NOT_FOUND', 'program', 'ENOENT'],
    ['an empty directory', 'true', undefined, 'COMPANION_WORK_DIR_NOT_FOUND', 'directory', 'ENOENT'],
    ['a missing path', './nothing', '', 'COMPANION_COMMAND_NOT_FOUND', 'program', 'ENOENT'],
    ['a path through a file', './tool/nothing', '', 'COMPANION_COMMAND_NOT_FOUND', 'program', 'ENOTDIR'],
    [
      'a file without the right',
      './not-executable',
      '',
      'COMPANION_COMMAND_NOT_EXECUTABLE',
      'program',
      'EACCES',
    ],
    ['a directory', './directory', '', 'COMPANION_COMMAND_NOT_EXECUTABLE', 'program', 'EACCES'],
    [
      'a missing interpreter',
      './no-interpreter',
      '',
      'COMPANION_COMMAND_NOT_EXECUTABLE',
      'program',
      'ENOENT',
    ],
  ])('%s', async (_what, name, cwd, companionCode, phase, code) => {
    const { supervisor } = await startSupervisor();
    const spawned = supervisor.spawn(command(name, [], { cwd: cwd === undefined ? '' : join(folder, cwd) }));
    await expect(spawned).rejects.toMatchObject({ companionCode, phase, code });
    expect((await run(supervisor, 'echo', ['still here'])).stdout).toBe('still here\n');
  });

  it('is not a script without a first line: a shell runs it, as everywhere', async () => {
    const { supervisor } = await startSupervisor();
    const { stdout } = await run(supervisor, './no-format', ['x'], { cwd: folder });
    expect(stdout).toBe('run by a shell: x\n');
  });

  it('is looked up in the PATH of its own variables', async () => {
    const { supervisor } = await startSupervisor({ PATH: folder });
    await expect(supervisor.spawn(command('tool'))).rejects.toMatchObject({ code: 'ENOENT' });
    const { stdout } = await run(supervisor, 'tool', [], { env: { PATH: `/nowhere:${folder}` } });
    expect(stdout).toBe(`tool ${folder}/tool\n`);
    const blocked = supervisor.spawn(command('not-executable', [], { env: { PATH: folder } }));
    await expect(blocked).rejects.toMatchObject({ code: 'EACCES', fileExists: true });
  });

  it('is found behind a file of the same name that cannot be run', async () => {
    const { supervisor } = await startSupervisor();
    const before = join(folder, 'before');
    mkdirSync(before);
    writeFileSync(join(before, 'tool'), '', { mode: 0o644 });
    const { stdout } = await run(supervisor, 'tool', [], { env: { PATH: `${before}:${folder}` } });
    expect(stdout).toBe(`tool ${folder}/tool\n`);
  });

  it('has arguments and variables up to what the kernel takes, and is refused beyond', {
    timeout: 60_000,
  }, async () => {
    const { supervisor } = await startSupervisor();
    // One string: 128 KiB with its end. All together: a quarter of the stack's limit, 6 MiB at most.
    const longest = 'x'.repeat(128 * KIB - 1);
    expect((await run(supervisor, 'printf', ['%s', longest])).stdout).toBe(longest);
    const inEnv = { PATH: process.env.PATH!, A: 'x'.repeat(128 * KIB - 3) };
    expect((await run(supervisor, 'printenv', ['A'], { env: inEnv })).stdout).toBe(`${inEnv.A}\n`);
    const many = Array.from({ length: 10 }, () => longest);
    expect((await run(supervisor, 'printf', ['%s', ...many])).stdout.length).toBe(10 * longest.length);
    const beyond = [
      command('printf', [`${longest}x`]),
      command('printf', [], { env: { ...inEnv, A: `${inEnv.A}x` } }),
      command(
        'printf',
        Array.from({ length: 60 }, () => longest),
      ),
      command(
        'printf',
        Array.from({ length: 70 }, () => longest),
      ),
    ];
    for (const one of beyond) {
      await expect(supervisor.spawn(one)).rejects.toMatchObject({
        code: 'E2BIG',
        companionCode: 'COMPANION_START_FAILED',
        message: 'printf could not be started: its arguments and variables are longer than the system allows',
      });
    }
    expect((await run(supervisor, 'echo', ['still here'])).stdout).toBe('still here\n');
  });
});
