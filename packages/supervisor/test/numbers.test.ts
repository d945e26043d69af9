import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { supervisorBinary } from '../src/binary.js';
import { errnoName, signalName, signalNumber } from '../src/linux-numbers.js';
import { SpawnFailure, type SpawnPhase } from '../src/spawn-failure.js';

describe.runIf(process.platform === 'linux')(
  'the tables of Linux (this machine has to be one to compare)',
  () => {
    it('number signals as the system does', () => {
      for (const [name, number] of Object.entries(constants.signals)) {
        expect([name, signalNumber(name)]).toEqual([name, number]);
      }
      const names = Object.keys(constants.signals);
      for (let number = 1; number <= 31; number++) expect(names).toContain(signalName(number));
    });

    it('name errors as the system does', () => {
      for (const [name, number] of Object.entries(constants.errno)) {
        const found = errnoName(number);
        if (!found.startsWith('errno ')) expect(constants.errno).toHaveProperty(found, number);
        else expect([name, number > 40]).toEqual([name, true]);
      }
    });
  },
);

describe('numbers without a name', () => {
  it('are told as they are', () => {
    expect(signalName(34)).toBe('SIGRTMIN+0');
    expect(signalName(64)).toBe('SIGRTMIN+30');
    expect(signalNumber('SIGBREAK')).toBeUndefined();
    expect(errnoName(200)).toBe('errno 200');
  });
});

describe('a failed start', () => {
  const ENOENT = 2;
  const E2BIG = 7;
  const EAGAIN = 11;
  const EACCES = 13;
  const ENOTDIR = 20;
  const EISDIR = 21;
  const EPERM = 1;
  const ENOEXEC = 8;

  it.each<[SpawnPhase, number, boolean, string, string]>([
    [
      'directory',
      ENOENT,
      false,
      'COMPANION_WORK_DIR_NOT_FOUND',
      'the directory for tool does not exist: /there',
    ],
    [
      'directory',
      ENOTDIR,
      false,
      'COMPANION_WORK_DIR_NOT_FOUND',
      'the directory for tool does not exist: /there',
    ],
    [
      'directory',
      EACCES,
      false,
      'COMPANION_WORK_DIR_NOT_FOUND',
      'the directory for tool cannot be entered (EACCES): /there',
    ],
    ['program', ENOENT, false, 'COMPANION_COMMAND_NOT_FOUND', 'command not found: tool'],
    ['program', ENOTDIR, false, 'COMPANION_COMMAND_NOT_FOUND', 'command not found: tool'],
    ['program', ENOENT, true, 'COMPANION_COMMAND_NOT_EXECUTABLE', 'the interpreter of tool does not exist'],
    ['program', EACCES, true, 'COMPANION_COMMAND_NOT_EXECUTABLE', 'command is not executable: tool'],
    ['program', EISDIR, true, 'COMPANION_COMMAND_NOT_EXECUTABLE', 'command is not executable: tool'],
    ['program', ENOEXEC, true, 'COMPANION_COMMAND_NOT_EXECUTABLE', 'command is not executable: tool'],
    [
      'program',
      E2BIG,
      true,
      'COMPANION_START_FAILED',
      'tool could not be started: its arguments and variables are longer than the system allows',
    ],
    ['resources', EAGAIN, false, 'COMPANION_START_FAILED', 'tool could not be started: EAGAIN'],
    [
      'user',
      EPERM,
      false,
      'COMPANION_START_FAILED',
      'tool could not be started: its user cannot be taken (EPERM)',
    ],
  ])('in phase %s with errno %d (file there: %s) is %s', (phase, errno, exists, code, message) => {
    const failure = new SpawnFailure({ phase, errno, exists, file: 'tool', cwd: '/there' });
    expect(failure).toMatchObject({ phase, fileExists: exists, companionCode: code, message });
  });
});

describe('supervisorBinary()', () => {
  it('names the program of each architecture, which is there', () => {
    expect(supervisorBinary('arm64')).toMatch(/prebuilt.linux-arm64.companion-supervisor$/);
    for (const arch of ['x64', 'arm64']) expect(existsSync(supervisorBinary(arch))).toBe(true);
  });

  it('says for which architectures there is one', () => {
    expect(() => supervisorBinary('riscv64')).toThrow(
      'there is no supervisor for riscv64, only for x64 and arm64',
    );
  });
});
