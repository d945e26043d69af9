import type { BackendProcess, Capabilities, Command, CompanionEvent } from '../backend.js';
import type { Directory } from '../options.js';

/** What a process needs of the companion it belongs to. */
export interface ProcessHost {
  readonly capabilities: Capabilities;
  /** Variables of a process before its own changes. */
  environment(): Readonly<Record<string, string>>;
  /** The directory as the process gets it. */
  directory(directory: Directory | undefined): string;
  /** @throws `COMPANION_WRONG_STATE` before `init()` and after `stop()`, `COMPANION_ENVIRONMENT_LOST`. */
  assertReady(): void;
  spawn(command: Command, signal: AbortSignal): Promise<BackendProcess>;
  emit(event: CompanionEvent): void;
  /** The process is alive from now until `ended` settles. */
  track(process: Stoppable, ended: Promise<unknown>): void;
}

/** A live process, as the companion that has to end it sees it. */
export interface Stoppable {
  stop(): Promise<void>;
  /** The environment has died: the verdict is unknowable. */
  lose(error: Error): void;
}
