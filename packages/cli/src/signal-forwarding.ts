import type { CompanionProcess } from '@companion/core';
import { CommandLineError } from './command-line-error.js';
import { exitCodeOfSignal } from './exit-codes.js';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Ctrl-C, Ctrl-\\, and the terminal's end. */
const FROM_TERMINALS: readonly ForwardedSignal[] = ['SIGINT', 'SIGQUIT', 'SIGHUP'];

type ForwardedSignal = (typeof FORWARDED)[number];

/**
 * What becomes of the signals that reach this process. Before the command runs one of them gives up the start; while
 * it runs they are passed on to it, a second interrupt ends it with everything it has started, and a third kills it;
 * afterwards the clean-up goes on. Whoever insists while nothing runs gets out at once.
 */
export class SignalForwarding {
  /** The first signal that came while nothing ran. */
  received: ForwardedSignal | undefined;
  /** Rejects when somebody insists. */
  readonly insisted: Promise<never>;
  readonly #abort = new AbortController();
  readonly #listeners: readonly (readonly [ForwardedSignal, () => void])[];
  #insist: (error: Error) => void = () => {};
  #command: CompanionProcess | undefined;
  #tree = false;
  #interrupts = 0;

  constructor() {
    this.insisted = new Promise((_, reject) => {
      this.#insist = reject;
    });
    // Usually nobody insists, and nobody waits any more.
    this.insisted.catch(() => {});
    this.#listeners = FORWARDED.map((name) => [name, () => this.#take(name)]);
    for (const [name, listener] of this.#listeners) process.on(name, listener);
  }

  /** Aborts when a signal comes before the command runs. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * From its start to its end, signals are the command's. With `tree` those that a terminal sends to everything in its
   * foreground reach what the command has started, too: many a shell and wrapper relies on it.
   */
  forwardTo(command: CompanionProcess, { tree }: { readonly tree: boolean }): void {
    this.#command = command;
    this.#tree = tree;
  }

  /** The signals have their default effect again. */
  end(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }

  #take(name: ForwardedSignal): void {
    if (this.#command?.isRunning()) {
      // The verdict tells what came of it; a failure to end it shows when the environment is shut down.
      this.#pass(this.#command, name).catch(() => {});
      return;
    }
    if (this.received !== undefined) {
      this.#insist(
        interrupted(name, 'left before everything was cleaned up', 'Something may be left behind.'),
      );
      return;
    }
    this.received = name;
    this.#abort.abort(new Error(`${name} was received`));
  }

  /** What to throw when the first signal has ended the work. */
  interruption(what: string): CommandLineError {
    return interrupted(this.received ?? 'SIGINT', what, undefined);
  }

  async #pass(command: CompanionProcess, name: ForwardedSignal): Promise<void> {
    if (name === 'SIGINT') this.#interrupts += 1;
    if (name === 'SIGINT' && this.#interrupts > 1) {
      await command.stop(this.#interrupts > 2 ? { graceMs: 0 } : {});
      return;
    }
    try {
      await command.signal(name, { tree: this.#tree && FROM_TERMINALS.includes(name) });
    } catch (error) {
      // Some backends deliver TERM and KILL only; what asks for no end has none.
      if (name === 'SIGUSR1' || name === 'SIGUSR2') throw error;
      await command.stop();
    }
  }
}

function interrupted(name: ForwardedSignal, what: string, hint: string | undefined): CommandLineError {
  return new CommandLineError('COMPANION_INTERRUPTED', `interrupted by ${name}: ${what}`, {
    hint,
    exitCode: exitCodeOfSignal(name),
  });
}
