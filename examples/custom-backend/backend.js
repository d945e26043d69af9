import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CompanionError } from '@companion/core';
import { SPEC_VERSION } from '@companion/core/backend';
import { findProgram, isDirectory } from './find-program.js';

// #region backend
/** @import { Backend, Environment } from '@companion/core/backend' */

/**
 * Runs processes on this machine, through node:child_process and nothing else. Needs process groups, so not Windows.
 *
 * @type {Backend}
 */
export const plainBackend = {
  spec: SPEC_VERSION,
  name: 'plain',
  priority: 50,
  capabilities: {
    filesystem: 'shared',
    network: 'shared',
    processes: 'shared',
    user: false,
    signals: true,
    killTree: false, // it reaches a process group, and whoever calls setsid has left that
    descendants: false,
    tty: false,
    limits: false,
    networkNone: false,
    ownerDeath: 'survives', // nobody watches over this program
  },
  async detect({ main }) {
    if (process.platform === 'win32') return { available: false, reason: 'Windows has no process groups' };
    if (main !== undefined && wordsOf(main).length === 0) {
      const reason = 'pause is false, and no image says what to run';
      return { available: false, reason, hint: 'Pass the option `command`.' };
    }
    return { available: true, detail: process.platform };
  },
  create: (request) => new PlainEnvironment(request),
};
// #endregion

// #region start
/** @implements {Environment} */
class PlainEnvironment {
  #request;
  /** Ids of process groups that may have members. */
  #groups = new Set();

  constructor(request) {
    this.#request = request;
  }

  async start({ signal }) {
    signal?.throwIfAborted();
    const { hostEnv, env, main, workDir } = this.#request;
    const started = { env: hostEnv, home: hostEnv.HOME ?? homedir(), lost: new Promise(() => {}) };
    if (main === undefined) return started;
    const [file, ...args] = wordsOf(main);
    if (file === undefined) {
      const hint = 'Say it with withCommand(), or keep the environment idle with withPause().';
      throw new CompanionError('COMPANION_UNSUPPORTED', 'no image says what to run', { hint });
    }
    const command = { file, args, env: { ...hostEnv, ...env }, cwd: workDir, stdin: 'ignore' };
    return { ...started, main: await this.spawn(command, { signal }) };
  }
  // #endregion

  // #region spawn
  async spawn({ file, args, env, cwd, stdin }, { signal }) {
    // First the directory: the system reports a missing one as a missing command.
    if (!isDirectory(cwd)) throw new CompanionError('COMPANION_WORK_DIR_NOT_FOUND', `no directory ${cwd}`);
    const program = findProgram(file, { env, cwd });
    if (program === null)
      throw new CompanionError('COMPANION_COMMAND_NOT_FOUND', `command not found: ${file}`);
    if (!program.executable) throw notExecutable(program.path);
    signal?.throwIfAborted();
    // Detached: a group of its own, by which all of it is ended.
    const stdio = [stdin, 'pipe', 'pipe'];
    const child = spawn(program.path, args, { argv0: file, env, cwd, stdio, detached: true });
    const exited = new Promise((resolve) => {
      child.once('exit', (code, endedBy) => {
        this.#forgetIfEmpty(child.pid);
        resolve({ code, signal: endedBy });
      });
    });
    await once(child, 'spawn').catch(({ code }) => {
      if (['EACCES', 'ENOENT', 'ENOEXEC'].includes(code)) throw notExecutable(program.path);
      throw new Error(`spawn ${code}`); // not the system's own error: it lists the arguments
    });
    // From here to the return nothing may be awaited: core must have the streams before their first bytes come.
    const { pid = null } = child;
    this.#groups.add(pid);
    return {
      pid,
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      exited,
      kill: async (name, target = 'process') => {
        if (target === 'tree') await this.#killGroup(pid, name);
        else child.kill(name);
      },
    };
  }
  // #endregion

  async resolveBinary(file, at) {
    const program = findProgram(file, at);
    return program?.executable ? program.path : null;
  }

  /** Core has ended every process it knows of; here go those that they have left behind. */
  async stop() {
    await Promise.all([...this.#groups].map((group) => this.#killGroup(group, 'SIGKILL')));
  }

  async shutdown() {
    await this.stop();
  }

  /** With SIGKILL it resolves once nothing of the group is left. */
  async #killGroup(group, signal) {
    for (let triesLeft = 250; this.#groups.has(group); triesLeft -= 1) {
      if (triesLeft === 0) throw new Error(`process group ${group} does not end`);
      this.#signal(group, signal);
      this.#forgetIfEmpty(group);
      if (signal !== 'SIGKILL') return;
      // The system reports the end of children alone, and most of a group are not ours.
      await sleep(20);
    }
  }

  #forgetIfEmpty(group) {
    if (!this.#signal(group, 0)) this.#groups.delete(group);
  }

  /** False when the group has no member. */
  #signal(group, signal) {
    try {
      return process.kill(-group, signal);
    } catch (error) {
      return error.code !== 'ESRCH';
    }
  }
}

function wordsOf({ entrypoint, command }) {
  return [...(entrypoint ?? []), ...(command ?? [])];
}

function notExecutable(path) {
  return new CompanionError('COMPANION_COMMAND_NOT_EXECUTABLE', `cannot be executed: ${path}`);
}
