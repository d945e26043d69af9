import { readFile } from 'node:fs/promises';
import type { CompanionRunner } from '@companion/core';
import { sh } from './shell.js';

/**
 * Whether a process of this machine lives. A zombie does not: it has ended and waits to be reaped. For pids from
 * inside only where `capabilities.processes` is `shared`.
 */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The command name before the state may hold anything, parentheses included.
  return status !== null && status.slice(status.lastIndexOf(')') + 2, status.lastIndexOf(')') + 3) !== 'Z';
}

/** Whether a process inside lives, by its pid inside. Works on every backend; a zombie counts as alive. */
export async function isAliveInside(runner: CompanionRunner, pid: number): Promise<boolean> {
  const { code } = await runner.run(...sh('kill -0 "$1" 2>/dev/null', String(pid)), { reject: false });
  return code === 0;
}
