import type { Abortable, BackendProcess, Command } from '@companion/core/backend';
import { SpawnFailure, type SupervisedProcess } from '@companion/supervisor';
import { type HostCommands, notExecutable, startFailure, survivors } from './host-commands.js';
import { HostSupervisor, isRefusal } from './host-supervisor.js';
import { outerMarks } from './marks.js';
import { resolveBinary } from './resolve-binary.js';

/** Processes that a supervisor starts and keeps together: nothing that descends from them escapes it. */
export class SupervisedProcesses implements HostCommands {
  readonly #host: HostSupervisor;

  /** Rejects when the supervisor cannot be started. */
  static async start(path: string): Promise<SupervisedProcesses> {
    return new SupervisedProcesses(await HostSupervisor.start(path));
  }

  private constructor(host: HostSupervisor) {
    this.#host = host;
  }

  /** Resolves when the supervisor has gone, and all processes with it. */
  get lost(): Promise<Error> {
    return this.#host.supervisor.lost;
  }

  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    // An outer companion finds its own by these, whatever way it has started them.
    const env = { ...command.env, ...outerMarks() };
    try {
      return asHostProcess(await this.#host.supervisor.spawn({ ...command, env }, options));
    } catch (error) {
      throw error instanceof SpawnFailure ? hostFailure(error, command) : error;
    }
  }

  async endAll(): Promise<void> {
    await this.#host.end();
  }
}

function hostFailure(failure: SpawnFailure, command: Command): Error {
  const { companionCode, message, code } = failure;
  if (companionCode !== 'COMPANION_COMMAND_NOT_EXECUTABLE') {
    return startFailure(companionCode, message, command, failure);
  }
  // Which of those on PATH: here that can be seen.
  const found = resolveBinary(command.file, command);
  const path = found.is === 'missing' ? command.file : found.path;
  return notExecutable(path, command, { interpreterMissing: code === 'ENOENT', cause: failure });
}

function asHostProcess(process: SupervisedProcess): BackendProcess {
  const { pid, stdin, stdout, stderr, exited } = process;
  return {
    pid,
    stdin,
    stdout,
    stderr,
    exited,
    kill: async (signal, target) => {
      try {
        await process.kill(signal, target);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // As kill(2) for many: it is enough that it has reached those that it may.
        if (target !== 'tree' || signal !== 'SIGKILL') return;
        throw survivors('still there after SIGKILL', await process.descendants(), error);
      }
    },
    resize: (size) => process.resize(size),
    outputSettled: () => process.outputSettled(),
    descendants: () => process.descendants(),
  };
}
