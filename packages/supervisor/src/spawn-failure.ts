import type { CompanionErrorCode } from '@companion/core';
import { errnoName } from './linux-numbers.js';

/** What could not be done: of phases 1 to 5, in the protocol's order. */
export type SpawnPhase = 'resources' | 'terminal' | 'user' | 'directory' | 'program';

const PHASES: readonly SpawnPhase[] = ['resources', 'terminal', 'user', 'directory', 'program'];

/** Of a program: nothing of that name is there. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);
/** Of a program: something is there that cannot be run. */
const NOT_EXECUTABLE = new Set([
  'EACCES',
  'ENOEXEC',
  'EISDIR',
  'EPERM',
  'ETXTBSY',
  'EINVAL',
  'ELIBBAD',
  'ELIBACC',
]);

export interface FailedStart {
  readonly phase: SpawnPhase;
  /** Linux's number. */
  readonly errno: number;
  /** Of phase `program`: the file is there. */
  readonly exists: boolean;
  readonly file: string;
  readonly cwd: string;
}

/**
 * Nothing was started. A backend makes of it
 * `new CompanionError(failure.companionCode, failure.message, { cause: failure })`.
 */
export class SpawnFailure extends Error {
  readonly phase: SpawnPhase;
  /** The name of the error: `ENOENT`. */
  readonly code: string;
  /** The file is there. With `ENOENT` what is missing is the interpreter that its first line names. */
  readonly fileExists: boolean;
  readonly companionCode: Extract<
    CompanionErrorCode,
    | 'COMPANION_WORK_DIR_NOT_FOUND'
    | 'COMPANION_COMMAND_NOT_FOUND'
    | 'COMPANION_COMMAND_NOT_EXECUTABLE'
    | 'COMPANION_START_FAILED'
  >;

  constructor(start: FailedStart) {
    const code = errnoName(start.errno);
    super(sentence(start, code));
    this.phase = start.phase;
    this.code = code;
    this.fileExists = start.exists;
    this.companionCode = companionCode(start, code);
  }

  override get name(): string {
    return 'SpawnFailure';
  }
}

/** `undefined` for a phase that a process cannot fail in. */
export function spawnPhase(number: number): SpawnPhase | undefined {
  return PHASES[number - 1];
}

function companionCode({ phase, exists }: FailedStart, code: string): SpawnFailure['companionCode'] {
  if (phase === 'directory') return 'COMPANION_WORK_DIR_NOT_FOUND';
  if (phase !== 'program') return 'COMPANION_START_FAILED';
  if (MISSING.has(code)) return exists ? 'COMPANION_COMMAND_NOT_EXECUTABLE' : 'COMPANION_COMMAND_NOT_FOUND';
  return NOT_EXECUTABLE.has(code) ? 'COMPANION_COMMAND_NOT_EXECUTABLE' : 'COMPANION_START_FAILED';
}

function sentence(start: FailedStart, code: string): string {
  const { phase, file, cwd, exists } = start;
  switch (companionCode(start, code)) {
    case 'COMPANION_WORK_DIR_NOT_FOUND':
      return MISSING.has(code)
        ? `the directory for ${file} does not exist: ${cwd}`
        : `the directory for ${file} cannot be entered (${code}): ${cwd}`;
    case 'COMPANION_COMMAND_NOT_FOUND':
      return `command not found: ${file}`;
    case 'COMPANION_COMMAND_NOT_EXECUTABLE':
      return exists && code === 'ENOENT'
        ? `the interpreter of ${file} does not exist`
        : `command is not executable: ${file}`;
    case 'COMPANION_START_FAILED':
      return `${file} could not be started: ${reason(phase, code)}`;
  }
}

function reason(phase: SpawnPhase, code: string): string {
  switch (phase) {
    case 'user':
      return `its user cannot be taken (${code})`;
    case 'terminal':
      return `there is no terminal for it (${code})`;
    default:
      return code === 'E2BIG' ? 'its arguments and variables are longer than the system allows' : code;
  }
}
