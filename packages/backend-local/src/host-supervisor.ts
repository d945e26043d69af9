import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connectSupervisor, type Supervisor } from '@companion/supervisor';
import { outerMarks } from './marks.js';
import { usableSupervisor } from './usable-supervisor.js';

const STREAM = 3;
/** It says its greeting within milliseconds. */
const GREETING_MS = 10_000;
/** For the next companion: programs that make one after the other would start one supervisor after the other. */
const LINGER_MS = 5000;
/** The machine is full at this moment; soon it may not be. */
const PASSING = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'ETXTBSY']);

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
  /** The supervisor has gone, and everything that it had started. */
  onLost(error: Error): void;
}

/** A supervisor on this machine. It ends when this program does, and everything that it has started with it. */
export class HostSupervisor {
  /** From now on it is not for new companions. */
  readonly #forget: () => void;
  /** Those of whose processes something is left. */
  readonly #users = new Set<SupervisorUser>();
  #connection: Promise<Supervisor | undefined> | undefined;
  #borrowers = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  /**
   * `undefined` where none can run. Rejects with the system's error when the machine has no room for it now; otherwise it
   * stays until {@link giveBack}.
   */
  async borrow(): Promise<Supervisor | undefined> {
    this.#connection ??= this.#start();
    const connection = this.#connection;
    this.#borrowers += 1;
    clearTimeout(this.#idle);
    try {
      return await connection;
    } catch (error) {
      if (this.#connection === connection) this.#connection = undefined;
      this.giveBack();
      throw error;
    }
  }

  giveBack(): void {
    this.#borrowers -= 1;
    if (this.#borrowers > 0) return;
    this.#idle = setTimeout(() => {
      this.#forget();
      this.#connection?.then(
        (supervisor) => supervisor?.close(),
        () => {},
      );
    }, LINGER_MS).unref();
  }

  /** Whom it concerns when the supervisor is lost: a companion of which nothing runs can go on with another. */
  setConcerned(user: SupervisorUser, isConcerned: boolean): void {
    if (isConcerned) this.#users.add(user);
    else this.#users.delete(user);
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
    } catch (error) {
      if (PASSING.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      // Forbidden by a security module, or not what it should be: this program can start processes itself.
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
  const { pid } = child;
  if (pid === undefined) throw (await once(child, 'error'))[0];
  // Whether this program waits for something of it, the connection says.
  child.unref();
  try {
    const signal = AbortSignal.timeout(GREETING_MS);
    return await connectSupervisor(child.stdio[STREAM] as Duplex, { signal });
  } catch (error) {
    // Its whole session, whatever it is.
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
    throw error;
  }
}
