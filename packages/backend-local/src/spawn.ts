/**
 * Processes on this machine, for every backend whose processes run there: started by execa, ended with everything
 * that descends from them, and not outliving this process.
 */
import { statSync } from 'node:fs';
import { CompanionError } from '@companion/core';
import type { Abortable, BackendProcess, Command, ProcessExit, Signal } from '@companion/core/backend';
import { carries, MarkSeries, marked } from './marks.js';
import { watchOwner } from './owner-death.js';
import { type Leader, ProcessTree } from './process-tree.js';
import { type Resolved, resolveBinary } from './resolve-binary.js';
import { endTree } from './windows-tree.js';

export { watchdogAvailable } from './owner-death.js';
export { type Resolved, resolveBinary } from './resolve-binary.js';

const isWindows = process.platform === 'win32';
/** For what ended processes have left behind: nobody has asked it to end yet. */
const LEFTOVER_GRACE_MS = 1000;

// 128 ms and 150 modules: only who starts a process pays for it, and only once.
let loadedExeca: Promise<typeof import('execa')> | undefined;

/** The processes of one environment. */
export class HostProcesses {
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
    const path = programOf(command);
    watchOwner();
    loadedExeca ??= import('execa');
    const { execa } = await loadedExeca;
    signal?.throwIfAborted();
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

  /** Ends whatever is left of all processes: TERM, a second, KILL. */
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
    throw new CompanionError(
      'COMPANION_WORK_DIR_NOT_FOUND',
      `the directory for ${file} does not exist: ${cwd}`,
      {
        hint: 'A cwd is a path inside the companion; a path of this machine is written { hostPath }.',
      },
    );
  }
  const found = resolveBinary(file, command);
  if (found.is === 'program') return found.path;
  throw unusable(file, found);
}

function unusable(file: string, found: Exclude<Resolved, { is: 'program' }>): CompanionError {
  if (found.is === 'missing') {
    return new CompanionError('COMPANION_COMMAND_NOT_FOUND', `command not found: ${file}`, {
      hint: file.includes('/') ? undefined : "It was looked up in the process's own PATH.",
    });
  }
  return new CompanionError('COMPANION_COMMAND_NOT_EXECUTABLE', `command is not executable: ${found.path}`);
}

function startError(command: Command, path: string, systemError: unknown): Error {
  const code = (systemError as NodeJS.ErrnoException | undefined)?.code ?? 'unknown error';
  // The system's error object lists the arguments, which may be secrets: its code is all there is to know.
  const cause = Object.assign(new Error(`spawn ${code}`), { code });
  // The file is there, so what is missing is the interpreter that its first line names.
  if (code === 'ENOENT') {
    return new CompanionError(
      'COMPANION_COMMAND_NOT_EXECUTABLE',
      `the interpreter of ${path} does not exist`,
      {
        cause,
      },
    );
  }
  if (code === 'EACCES' || code === 'ENOEXEC' || code === 'EPERM') {
    return new CompanionError('COMPANION_COMMAND_NOT_EXECUTABLE', `command is not executable: ${path}`, {
      cause,
    });
  }
  const why = code === 'E2BIG' ? 'its arguments and variables are longer than the system allows' : code;
  return new CompanionError('COMPANION_START_FAILED', `${command.file} could not be started: ${why}`, {
    cause,
  });
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
