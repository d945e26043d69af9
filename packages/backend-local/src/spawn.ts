/**
 * Processes on this machine, for every backend whose processes run there: ended with everything that descends from
 * them, and not outliving this program.
 */
import type { Abortable, BackendProcess, Command } from '@companion/core/backend';
import type { HostCommands } from './host-commands.js';
import type { LocalOptions } from './options.js';
import type { SupervisedProcesses } from './supervised-processes.js';

export { detectionHere } from './detection.js';
export { type Resolved, resolveBinary } from './resolve-binary.js';

/** The processes of one environment. What it takes is loaded by the first. */
export class HostProcesses {
  /** Resolves when all processes have been lost at once; stays pending otherwise. */
  readonly lost: Promise<Error>;
  readonly #withSupervisor: boolean;
  #tellLost!: (error: Error) => void;
  #direct: Promise<HostCommands> | undefined;
  /** By who this program was when it started them: who has given up rights shall not have them through a supervisor. */
  readonly #supervised = new Map<string, Promise<SupervisedProcesses | undefined>>();

  constructor({ supervisor = true }: LocalOptions = {}) {
    this.#withSupervisor = supervisor;
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve;
    });
  }

  /**
   * Rejects with `COMPANION_COMMAND_NOT_FOUND`, `COMPANION_COMMAND_NOT_EXECUTABLE`, `COMPANION_WORK_DIR_NOT_FOUND`, or
   * `COMPANION_START_FAILED`.
   */
  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    const commands = await this.#commandsFor(command);
    options.signal?.throwIfAborted();
    return await commands.spawn(command, options);
  }

  /** Ends whatever is left of all processes: TERM, a second, KILL. */
  async endAll(): Promise<void> {
    const all = [this.#direct, ...this.#supervised.values()];
    this.#supervised.clear();
    const ends = await Promise.allSettled(all.map(async (commands) => await (await commands)?.endAll()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #commandsFor({ stdin, tty }: Command): Promise<HostCommands> {
    // A program that inherits the standard input has the descriptor itself: it takes what it reads, and no more.
    const inherits = stdin === 'inherit' && tty === undefined;
    const supervised = inherits || !this.#withSupervisor ? undefined : await this.#supervisor();
    return supervised ?? (await this.#starter());
  }

  #starter(): Promise<HostCommands> {
    this.#direct ??= import('./direct-processes.js').then(({ DirectProcesses }) => new DirectProcesses());
    return this.#direct;
  }

  /** `undefined` where none can be started. */
  #supervisor(): Promise<SupervisedProcesses | undefined> {
    const identity = whoWeAre();
    let supervised = this.#supervised.get(identity);
    if (supervised === undefined) {
      supervised = this.#startSupervisor();
      this.#supervised.set(identity, supervised);
    }
    return supervised;
  }

  async #startSupervisor(): Promise<SupervisedProcesses | undefined> {
    const { usableSupervisor } = await import('./usable-supervisor.js');
    const path = usableSupervisor();
    if (path === undefined) return undefined;
    const { SupervisedProcesses } = await import('./supervised-processes.js');
    // Forbidden by a security module, out of processes: this program's own start says what is wrong, or works.
    const supervised = await SupervisedProcesses.start(path).catch(() => undefined);
    void supervised?.lost.then(this.#tellLost);
    return supervised;
  }
}

function whoWeAre(): string {
  const { geteuid, getuid, getegid, getgid, getgroups } = process;
  return [geteuid?.(), getuid?.(), getegid?.(), getgid?.(), ...(getgroups?.() ?? [])].join();
}
