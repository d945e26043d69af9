import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Abortable, BackendProcess, Command } from '@companion/core/backend';
import { SpawnFailure, type SupervisedProcess, type Supervisor } from '@companion/supervisor';
import {
  type HostCommands,
  LEFTOVER_GRACE_MS,
  notExecutable,
  startFailure,
  survivors,
} from './host-commands.js';
import { type HostSupervisor, hostSupervisor, type SupervisorUser } from './host-supervisor.js';
import { outerMarks } from './marks.js';
import { resolveBinary } from './resolve-binary.js';

interface HostProcess extends BackendProcess {
  /** Resolves once nothing of its tree is left. */
  readonly gone: Promise<void>;
}

/** Processes that this program's supervisor starts and keeps together: nothing that descends from them escapes it. */
export class SupervisedProcesses implements HostCommands {
  readonly #host: HostSupervisor;
  readonly #user: SupervisorUser;
  readonly #supervisor: Supervisor;
  /** Those of which something is left. */
  readonly #processes = new Set<HostProcess>();
  #starting = 0;

  /**
   * `undefined` where there is no supervisor. Rejects with the system's error when none can be started now. `onLost` is
   * called when that goes while something of the processes is left, and they with it.
   */
  static async open(onLost: (error: Error) => void): Promise<SupervisedProcesses | undefined> {
    const host = hostSupervisor();
    const supervisor = await host.borrow();
    if (supervisor !== undefined) return new SupervisedProcesses(host, { onLost }, supervisor);
    host.giveBack();
    return undefined;
  }

  private constructor(host: HostSupervisor, user: SupervisorUser, supervisor: Supervisor) {
    this.#host = host;
    this.#user = user;
    this.#supervisor = supervisor;
  }

  /** False when this program has become somebody else, or the supervisor is gone. */
  get areOurs(): boolean {
    return this.#host === hostSupervisor();
  }

  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    // An outer companion finds its own by these, whatever way it has started them.
    const env = { ...command.env, ...outerMarks() };
    this.#starting += 1;
    this.#host.setConcerned(this.#user, true);
    try {
      const supervised = await this.#supervisor.spawn({ ...command, env }, options);
      const process = asHostProcess(supervised, command.file);
      this.#processes.add(process);
      void process.gone.then(() => {
        this.#processes.delete(process);
        this.#concern();
      });
      return process;
    } catch (error) {
      throw error instanceof SpawnFailure ? hostFailure(error, command) : error;
    } finally {
      this.#starting -= 1;
      this.#concern();
    }
  }

  #concern(): void {
    this.#host.setConcerned(this.#user, this.#starting + this.#processes.size > 0);
  }

  async endAll(): Promise<void> {
    try {
      if (this.#processes.size > 0) await endAll([...this.#processes]);
    } finally {
      this.#host.giveBack();
    }
  }
}

async function endAll(processes: readonly HostProcess[]): Promise<void> {
  const patience = new AbortController();
  const late = pause(LEFTOVER_GRACE_MS, undefined, { signal: patience.signal }).catch(() => {});
  await Promise.all(processes.map((process) => process.kill('SIGTERM', 'tree')));
  await Promise.race([Promise.all(processes.map(({ gone }) => gone)), late]);
  patience.abort();
  await Promise.all(processes.map((process) => process.kill('SIGKILL', 'tree')));
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

function asHostProcess(process: SupervisedProcess, file: string): HostProcess {
  const { pid, stdin, stdout, stderr, exited, gone } = process;
  let ended = false;
  const onEnd = (): void => {
    ended = true;
  };
  exited.then(onEnd, onEnd);
  return {
    pid,
    stdin,
    stdout,
    stderr,
    exited,
    gone,
    kill: async (signal, target) => {
      try {
        await process.kill(signal, target);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
        // As kill(2) for many: it is enough that it has reached those that it may.
        if (target !== 'tree' || signal !== 'SIGKILL') return;
        const own = ended || pid === null ? [] : [{ pid, name: basename(file) }];
        throw survivors('still there after SIGKILL', [...own, ...(await process.descendants())], error);
      }
    },
    resize: (size) => process.resize(size),
    outputSettled: () => process.outputSettled(),
    descendants: () => process.descendants(),
  };
}
