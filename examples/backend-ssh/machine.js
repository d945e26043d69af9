import { pipeline } from 'node:stream/promises';
import { CompanionError } from '@companion/core';
import { connectSupervisor } from '@companion/supervisor';
import { explain, Ssh, shellCommand } from './connection.js';
import { ENTER, IN_USE, NO_PROGRAM, REMOVE, START, UPLOAD } from './remote-scripts.js';
import { supervisorFor } from './supervisor-program.js';

/** For the end of what runs there; what is to be removed goes on being removed after that. */
const END_MS = 8000;
/** Where somebody waits for the removal. */
const REMOVE_MS = 60_000;
/** For an ssh(1) that has no use any more. */
const ABORT_MS = 1000;

/** An environment on another machine: the stream to its supervisor, with whose end it ends. */
export class Machine {
  /** @type {import('@companion/supervisor').Supervisor} */
  supervisor;
  #ssh;

  /**
   * @param {import('./connection.js').SshOptions} connection
   * @param {{ name: string, kept: boolean }} directory
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<Machine | undefined>} `undefined` while somebody else has that directory.
   */
  static async start(connection, { name, kept }, signal) {
    // Most machines are of this kind. Another says so, as does one that has no program yet.
    let program = supervisorFor('x86_64');
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      const args = [program.hash, name, kept ? 'kept' : 'run', ENTER];
      const machine = new Machine(new Ssh(connection, shellCommand(START, ...args)));
      const ended = await machine.#greet(signal);
      if (ended === undefined) return machine;
      if (ended.code === IN_USE) return undefined;
      const [, architecture] = /^companion-machine (\S+)$/m.exec(ended.complaint) ?? [];
      if (ended.code !== NO_PROGRAM || architecture === undefined || attempt > 2)
        throw failure(ended, connection);
      program = supervisorFor(architecture);
      await upload(connection, program, signal);
    }
  }

  /** Removes what was kept and nobody uses. */
  static async remove(connection, name) {
    await run(new Ssh(connection, shellCommand(REMOVE, name)), connection, REMOVE_MS);
  }

  constructor(ssh) {
    this.#ssh = ssh;
  }

  /** How ssh(1) has ended, if it did instead of a greeting. */
  async #greet(signal) {
    if (this.#ssh.stream.readable === null) return await this.#ssh.ended;
    try {
      this.supervisor = await connectSupervisor(this.#ssh.stream, { signal });
      this.supervisor.keepAlive();
    } catch (cause) {
      const ended = await this.#ssh.end(signal?.aborted ? ABORT_MS : END_MS);
      signal?.throwIfAborted();
      return { ...ended, cause };
    }
  }

  /** Resolves once nothing runs there and what was not to be kept is removed; or the machine cannot be reached. */
  async end() {
    await this.supervisor.close();
    await this.#ssh.end(END_MS);
  }
}

async function upload(connection, { bytes, hash }, signal) {
  const ssh = new Ssh(connection, shellCommand(UPLOAD, hash));
  const giveUp = () => void ssh.end(0);
  signal?.addEventListener('abort', giveUp);
  try {
    // Whether all of it has come, the machine says.
    await pipeline([bytes], ssh.stream.writable).catch(() => {});
    await run(ssh, connection, END_MS);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

async function run(ssh, connection, patienceMs) {
  const ended = await ssh.end(patienceMs);
  if (ended.code !== 0) throw failure(ended, connection);
}

function failure(ended, connection) {
  const { reason, hint } = explain(ended, connection);
  return new CompanionError('COMPANION_START_FAILED', reason, { hint, cause: ended.cause });
}
