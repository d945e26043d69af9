import { type ChildProcess, spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Duplex } from 'node:stream';
import { connectSupervisor, type Supervisor } from '@companion/supervisor';
import { LEFTOVER_GRACE_MS, survivors } from './host-commands.js';
import { outerMarks } from './marks.js';
import type { ProcessEntry } from './process-table.js';
import { ProcessTree } from './process-tree.js';

const STREAM = 3;
/** It says its greeting within milliseconds. */
const GREETING_MS = 10_000;

/** A supervisor on this machine. It ends when this program does, and everything that it has started with it. */
export class HostSupervisor {
  readonly supervisor: Supervisor;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  /** Rejects when it cannot be started; nothing is left then. */
  static async start(path: string): Promise<HostSupervisor> {
    // A session of its own: a Ctrl-C at the terminal is this program's affair.
    const child = spawn(path, ['--stream', String(STREAM)], {
      cwd: '/',
      env: outerMarks(),
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    // Without a process there is no stream, either.
    const stream = child.stdio?.[STREAM] as Duplex | null | undefined;
    if (stream === null || stream === undefined) throw new Error('the supervisor could not be started');
    try {
      const supervisor = await connectSupervisor(stream, { signal: AbortSignal.timeout(GREETING_MS) });
      return new HostSupervisor(supervisor, child, exited);
    } catch (error) {
      child.kill('SIGKILL');
      await exited;
      throw error;
    }
  }

  private constructor(supervisor: Supervisor, child: ChildProcess, exited: Promise<void>) {
    this.supervisor = supervisor;
    this.#child = child;
    this.#exited = exited;
    // Whether this program waits for something of it, the connection says.
    child.unref();
  }

  /** Ends everything that it has started, and then itself. Rejects with `COMPANION_SHUTDOWN_FAILED` for what stays. */
  async end(): Promise<void> {
    try {
      await this.supervisor.endAll({ graceMs: LEFTOVER_GRACE_MS });
    } catch (error) {
      // Otherwise it is lost, and has ended what was its own.
      if (isRefusal(error)) throw survivors('still there after SIGKILL', await this.#descendants(), error);
    } finally {
      this.#child.ref();
      await this.supervisor.close();
      await this.#exited;
    }
  }

  /** Without its own helpers. */
  async #descendants(): Promise<readonly ProcessEntry[]> {
    const { pid } = this.supervisor;
    const tree = new ProcessTree(
      () => false,
      () => [{ pid, running: true }],
    );
    const own = basename(this.#child.spawnfile);
    return (await tree.members()).filter(({ name }) => name !== own);
  }
}

/** The kernel's, not the connection's. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPERM';
}
