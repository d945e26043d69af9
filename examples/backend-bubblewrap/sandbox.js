import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectSupervisor } from '@companion/supervisor';
import { generatedFiles, sandboxOptions, toolEnvironment } from './sandbox-options.js';

/** @import { EnvironmentRequest } from '@companion/core/backend' */

const STREAM = 3;
/** Far more than bwrap takes to notice. */
const END_MS = 5000;

/** A sandbox with the supervisor as its first process: whose end, by the kernel's hand, is the end of all in it. */
export class Sandbox {
  #bwrap;
  /** @type {import('@companion/supervisor').Supervisor} */
  supervisor;
  /** Resolves with what bwrap has complained of, once nothing is left. */
  ended;

  /**
   * @param {EnvironmentRequest} request
   * @param {string | undefined} keptHome
   * @param {AbortSignal | undefined} signal
   */
  static async start(request, keptHome, signal) {
    signal?.throwIfAborted();
    const sandbox = new Sandbox(request, keptHome);
    try {
      sandbox.supervisor = await connectSupervisor(sandbox.#bwrap.stdio[STREAM], { signal });
    } catch (error) {
      const complaint = await sandbox.end();
      signal?.throwIfAborted();
      throw complaint === '' ? error : new Error(`bwrap has made no sandbox: ${complaint}`, { cause: error });
    }
    return sandbox;
  }

  constructor(request, keptHome) {
    const files = Object.values(generatedFiles(request.user));
    const bwrap = spawn('bwrap', sandboxOptions(request, keptHome, STREAM), {
      env: toolEnvironment,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', ...files.map(() => 'pipe')],
    });
    this.#bwrap = bwrap;
    let complaint = '';
    this.ended = new Promise((resolve) => {
      bwrap.once('error', ({ message }) => resolve(message));
      bwrap.once('exit', () => setImmediate(() => resolve(complaint.trim())));
    });
    // Without a process there are no streams, either: "too many open files", say.
    const [, , errors, , ...inputs] = bwrap.stdio ?? [];
    errors?.setEncoding('utf8').on('data', (text) => {
      complaint = (complaint + text).slice(-4096);
    });
    files.forEach((text, index) => void inputs[index]?.on('error', () => {}).end(text));
    // Holding a sandbox is no reason for this process to stay alive.
    bwrap.unref();
    errors?.unref();
  }

  /** Resolves once nothing of it is left, with what bwrap has complained of. */
  async end() {
    this.#bwrap.ref();
    // Not a signal: killed before its time, bwrap leaves a child that waits for it for ever.
    this.#bwrap.stdio?.[STREAM].destroy();
    const patience = new AbortController();
    const late = sleep(END_MS, undefined, { signal: patience.signal }).then(
      () => this.#bwrap.kill('SIGKILL'),
      () => {},
    );
    try {
      return await this.ended;
    } finally {
      patience.abort();
      await late;
    }
  }
}
