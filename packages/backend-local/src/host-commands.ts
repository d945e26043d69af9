import { CompanionError, type CompanionErrorCode } from '@companion/core';
import type { Abortable, BackendProcess, Command } from '@companion/core/backend';

/** For what ended processes have left behind: nobody has asked it to end yet. */
export const LEFTOVER_GRACE_MS = 1000;

/** A way of starting processes on this machine, and of ending all of them. */
export interface HostCommands {
  spawn(command: Command, options: Abortable): Promise<BackendProcess>;
  /** Ends whatever is left of all processes: TERM, a second, KILL. */
  endAll(): Promise<void>;
}

/** That a command could not be started, with what its user can do about it. */
export function startFailure(
  code: CompanionErrorCode,
  message: string,
  { file }: Command,
  cause?: unknown,
): CompanionError {
  return new CompanionError(code, message, { hint: hintFor(code, file), cause });
}

/** `path` is what was found under the command's name. */
export function notExecutable(
  path: string,
  command: Command,
  {
    interpreterMissing = false,
    cause,
  }: { readonly interpreterMissing?: boolean; readonly cause?: unknown } = {},
): CompanionError {
  const message = interpreterMissing
    ? `the interpreter of ${path} does not exist`
    : `command is not executable: ${path}`;
  return startFailure('COMPANION_COMMAND_NOT_EXECUTABLE', message, command, cause);
}

function hintFor(code: CompanionErrorCode, file: string): string | undefined {
  if (code === 'COMPANION_WORK_DIR_NOT_FOUND') {
    return 'A cwd is a path inside the companion; a path of this machine is written { hostPath }.';
  }
  if (code === 'COMPANION_COMMAND_NOT_FOUND' && !file.includes('/')) {
    return "It was looked up in the process's own PATH.";
  }
  return undefined;
}

/** That processes are there which nothing has ended. */
export function survivors(
  what: string,
  processes: readonly { readonly pid: number; readonly name: string }[],
  cause?: unknown,
): CompanionError {
  const list = processes.map(({ pid, name }) => `${name} (${pid})`).join(', ');
  return new CompanionError('COMPANION_SHUTDOWN_FAILED', list === '' ? what : `${what}: ${list}`, {
    hint: 'They run as another user, or wait for a device that does not answer.',
    cause,
  });
}
