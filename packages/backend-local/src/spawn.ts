/**
 * Processes on this machine, for every backend whose processes run there: ended with everything that descends from
 * them, and not outliving this program.
 */
import type { Abortable, BackendProcess, Command } from '@companion/core/backend';
import { type HostCommands, startFailure } from './host-commands.js';
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
  #supervised: Promise<SupervisedProcesses | undefined> | undefined;
  /** Those of who this program was before. */
  readonly #former: HostCommands[] = [];

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
    const all = [this.#direct, this.#supervised, ...this.#former.splice(0)];
    this.#supervised = undefined;
    const ends = await Promise.allSettled(all.map(async (commands) => await (await commands)?.endAll()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #commandsFor(command: Command): Promise<HostCommands> {
    // A program that inherits the standard input has the descriptor itself: it takes what it reads, and no more.
    const inherits = command.stdin === 'inherit' && command.tty === undefined;
    if (inherits || !this.#withSupervisor) return await this.#starter();
    try {
      return (await this.#supervisedNow()) ?? (await this.#starter());
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const message = `${command.file} could not be started: ${code}`;
      throw startFailure('COMPANION_START_FAILED', message, command, error);
    }
  }

  #starter(): Promise<HostCommands> {
    this.#direct ??= import('./direct-processes.js').then(({ DirectProcesses }) => new DirectProcesses());
    return this.#direct;
  }

  async #supervisedNow(): Promise<SupervisedProcesses | undefined> {
    this.#supervised ??= this.#openSupervised();
    const opened = this.#supervised;
    const supervised = await opened;
    if (supervised === undefined || supervised.areOurs) return supervised;
    if (this.#supervised === opened) {
      this.#former.push(supervised);
      this.#supervised = this.#openSupervised();
    }
    return await this.#supervised;
  }

  #openSupervised(): Promise<SupervisedProcesses | undefined> {
    const opening = import('./supervised-processes.js').then(({ SupervisedProcesses }) =>
      SupervisedProcesses.open(this.#tellLost),
    );
    opening.catch(() => {
      // The next process tries again.
      if (this.#supervised === opening) this.#supervised = undefined;
    });
    return opening;
  }
}
