import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { connectSupervisor, type Supervisor } from '@companion/supervisor';
import { outerMarks } from './marks.js';
import { usableSupervisor } from './usable-supervisor.js';

const STREAM = 3;
/** It says its greeting within milliseconds. */
const GREETING_MS = 10_000;
/** For the next companion: programs that make one after the other would start one supervisor after the other. */
const LINGER_MS = 5000;

/** By who this program was when it started them: who has given up rights shall not have them through a supervisor. */
const supervisors = new Map<string, HostSupervisor>();

/** The supervisor of this program, as who it is now: one for all its companions. */
export function hostSupervisor(): HostSupervisor {
  const { geteuid, getuid, getegid, getgid, getgroups } = process;
  const identity = [geteuid?.(), getuid?.(), getegid?.(), getgid?.(), ...(getgroups?.() ?? [])].join();
  let supervisor = supervisors.get(identity);
  if (supervisor === undefined) {
    const made = new HostSupervisor(() => supervisors.get(identity) === made && supervisors.delete(identity));
    supervisors.set(identity, made);
    supervisor = made;
  }
  return supervisor;
}

export interface SupervisorUser {
  /** It has gone, and everything that it had started. */
  onLost(error: Error): void;
}

/** A supervisor on this machine. It ends when this program does, and everything that it has started with it. */
export class HostSupervisor {
  /** From now on it is not for new companions. */
  readonly #forget: () => void;
  readonly #users = new Set<SupervisorUser>();
  #connection: Promise<Supervisor | undefined> | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  /** `undefined` where none can be started. Until {@link release} it stays. */
  async borrow(user: SupervisorUser): Promise<Supervisor | undefined> {
    this.#users.add(user);
    clearTimeout(this.#idle);
    this.#connection ??= this.#start();
    return await this.#connection;
  }

  release(user: SupervisorUser): void {
    if (!this.#users.delete(user) || this.#users.size > 0) return;
    this.#idle = setTimeout(() => {
      this.#forget();
      void this.#connection?.then((supervisor) => supervisor?.close());
    }, LINGER_MS).unref();
  }

  async #start(): Promise<Supervisor | undefined> {
    const path = usableSupervisor();
    if (path === undefined) return undefined;
    try {
      const supervisor = await startSupervisor(path);
      void supervisor.lost.then((error) => {
        this.#forget();
        for (const user of this.#users) user.onLost(error);
      });
      return supervisor;
    } catch {
      // Forbidden by a security module, out of processes: this program's own start works, or says what is wrong.
      return undefined;
    }
  }
}

/** Rejects when it cannot be started; nothing is left then. */
async function startSupervisor(path: string): Promise<Supervisor> {
  // A session of its own: a Ctrl-C at the terminal is this program's affair.
  const child = spawn(path, ['--stream', String(STREAM)], {
    cwd: '/',
    env: outerMarks(),
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  child.on('error', () => {});
  // Whether this program waits for something of it, the connection says.
  child.unref();
  // Without a process there is no stream, either.
  const stream = child.stdio?.[STREAM] as Duplex | null | undefined;
  if (stream === null || stream === undefined) throw new Error('the supervisor could not be started');
  try {
    return await connectSupervisor(stream, { signal: AbortSignal.timeout(GREETING_MS) });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
