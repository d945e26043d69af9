import { closeSync, openSync, statSync } from 'node:fs';
import { CompanionError } from '@companion/core';
import type { Abortable, BackendProcess, Command, ProcessExit, Signal } from '@companion/core/backend';
import { type HostCommands, LEFTOVER_GRACE_MS, notExecutable, startFailure } from './host-commands.js';
import { carries, MarkSeries, marked } from './marks.js';
import { watchOwner } from './owner-death.js';
import { type Leader, ProcessTree } from './process-tree.js';
import { resolveBinary } from './resolve-binary.js';
import { endTree } from './windows-tree.js';

const isWindows = process.platform === 'win32';

/** Three pipes, and one for the news of a failed start. */
const DESCRIPTORS = 8;

// 128 ms and 150 modules: only who starts a process pays for it, and only once.
let loadedExeca: Promise<typeof import('execa')> | undefined;

/** Processes that this program itself starts, with execa, and finds again by their marks. */
export class DirectProcesses implements HostCommands {
  readonly #marks = new MarkSeries();
  /** Ids of processes that run, or ran and left others in their group. */
  readonly #leaders = new Map<number, Leader>();
  readonly #everything = new ProcessTree(
    (mark) => this.#marks.matches(mark),
    () => this.#leaders.values(),
  );

  /**
   * Rejects with `COMPANION_COMMAND_NOT_FOUND`, `COMPANION_COMMAND_NOT_EXECUTABLE`, `COMPANION_WORK_DIR_NOT_FOUND`, or
   * with the system's own error.
   */
  async spawn(command: Command, { signal }: Abortable): Promise<BackendProcess> {
    if (command.tty !== undefined) {
      const reason = 'a process that this program starts itself can have no terminal';
      throw new CompanionError('COMPANION_UNSUPPORTED', reason, {
        hint: 'Terminals come from the supervisor, which could not be started here.',
      });
    }
    const path = programOf(command);
    watchOwner();
    loadedExeca ??= import('execa');
    const { execa } = await loadedExeca;
    signal?.throwIfAborted();
    assertDescriptors(command);
    const mark = this.#marks.next();
    const child = execa(path, command.args, {
      argv0: command.file,
      cwd: command.cwd,
      env: marked(command.env, mark),
      extendEnv: false,
      stdin: command.stdin,
      stdout: 'pipe',
      stderr: 'pipe',
      // A session of its own, whose id names the tree; on Windows it would open a window.
      detached: !isWindows,
      windowsHide: true,
      // Output, verdict, killing and the owner's death are core's and this file's.
      buffer: false,
      encoding: 'buffer',
      reject: false,
      cleanup: false,
      forceKillAfterDelay: false,
    });
    const { pid, stdout, stderr } = child;
    if (pid === undefined || stdout === null || stderr === null)
      throw startError(command, path, (await child).cause);
    this.#leaders.set(pid, { pid, running: true });
    let ended = false;
    const exited = new Promise<ProcessExit>((resolve, reject) => {
      child.once('exit', (code: number | null, endedBy: Signal | null) => {
        ended = true;
        // After the verdict: an empty group is an exception, and exceptions take their time.
        this.#leaders.set(pid, { pid, running: false });
        setImmediate(() => groupLives(pid) || this.#leaders.delete(pid));
        if (code !== null) resolve({ code, signal: null });
        else if (endedBy !== null) resolve({ code: null, signal: endedBy });
        else reject(new Error('the system reported neither a code nor a signal'));
      });
    });
    const tree = new ProcessTree(
      (value) => carries(value, mark),
      () => {
        const leader = this.#leaders.get(pid);
        return leader === undefined ? [] : [leader];
      },
    );
    return {
      pid,
      stdin: child.stdin,
      stdout,
      stderr,
      exited,
      kill: async (name, target = 'process') => {
        if (target === 'tree') await (isWindows ? endTree(pid, ended) : tree.kill(name));
        else if (!ended) child.kill(name);
      },
      ...(isWindows
        ? {}
        : { descendants: async () => (await tree.members()).filter((entry) => entry.pid !== pid) }),
    };
  }

  async endAll(): Promise<void> {
    if (isWindows) {
      await Promise.all([...this.#leaders.keys()].map((pid) => endTree(pid, false)));
      return;
    }
    // Most environments leave nothing, and looking costs the reading of the process table.
    if (this.#marks.unused || (await this.#everything.members()).length === 0) return;
    await this.#everything.kill('SIGTERM');
    const deadline = Date.now() + LEFTOVER_GRACE_MS;
    while (Date.now() < deadline && (await this.#everything.members()).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.#everything.kill('SIGKILL');
    this.#leaders.clear();
  }
}

/** The directory is looked at first: the system reports a missing one as a missing command. */
function programOf(command: Command): string {
  const { cwd, file } = command;
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    const missing = `the directory for ${file} does not exist: ${cwd}`;
    throw startFailure('COMPANION_WORK_DIR_NOT_FOUND', missing, command);
  }
  const found = resolveBinary(file, command);
  switch (found.is) {
    case 'program':
      return found.path;
    case 'missing':
      throw startFailure('COMPANION_COMMAND_NOT_FOUND', `command not found: ${file}`, command);
    case 'not-executable':
      throw notExecutable(found.path, command);
  }
}

/** Where there are too few of them, a child process is an exception that nobody can catch. */
function assertDescriptors(command: Command): void {
  if (isWindows) return;
  const opened: number[] = [];
  try {
    while (opened.length < DESCRIPTORS) opened.push(openSync('/dev/null', 'r'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = `${command.file} could not be started: ${code}`;
    throw startFailure('COMPANION_START_FAILED', message, command, cause);
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function startError(command: Command, path: string, systemError: unknown): Error {
  const code = (systemError as NodeJS.ErrnoException | undefined)?.code ?? 'unknown error';
  // The system's error object lists the arguments, which may be secrets: its code is all there is to know.
  const cause = Object.assign(new Error(`spawn ${code}`), { code });
  // The file is there, so what is missing is the interpreter that its first line names.
  if (code === 'ENOENT') return notExecutable(path, command, { interpreterMissing: true, cause });
  if (code === 'EACCES' || code === 'ENOEXEC' || code === 'EPERM') {
    return notExecutable(path, command, { cause });
  }
  const why = code === 'E2BIG' ? 'its arguments and variables are longer than the system allows' : code;
  const message = `${command.file} could not be started: ${why}`;
  return startFailure('COMPANION_START_FAILED', message, command, cause);
}

function groupLives(group: number): boolean {
  if (isWindows) return false;
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
