import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompanionRunner } from '@companion/core';
import type { CaseContext } from './case.js';
import { sh } from './shell.js';

/** A file below a case's own directory, through which inside and outside tell each other something. */
export interface ExchangedFile {
  readonly name: string;
  readonly hostPath: string;
  /** What a script inside is given. */
  readonly companionPath: string;
  /** What is in it as seen by the inside; `null` while it does not exist. */
  read(): Promise<string | null>;
}

/**
 * Names a file in `context.directory` for both sides. The runner's `sourceDir` must be that directory (the default);
 * it need not be started, except to read from an environment whose files are copies.
 */
export function exchangedFile(
  context: Pick<CaseContext, 'directory'>,
  runner: CompanionRunner,
  name: string,
): ExchangedFile {
  const hostPath = join(context.directory, name);
  const companionPath = runner.toCompanionPath(hostPath);
  return {
    name,
    hostPath,
    companionPath,
    read: () =>
      runner.capabilities.filesystem === 'copied' ? readInside(runner, companionPath) : readOrNull(hostPath),
  };
}

async function readOrNull(hostPath: string): Promise<string | null> {
  try {
    return await readFile(hostPath, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function readInside(runner: CompanionRunner, companionPath: string): Promise<string | null> {
  const { code, stdout } = await runner.run(...sh('[ -e "$1" ] || exit 44; cat "$1"', companionPath), {
    reject: false,
  });
  return code === 44 ? null : stdout;
}
