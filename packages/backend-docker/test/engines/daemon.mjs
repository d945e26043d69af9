// A server inside the namespaces, with everything of it in one folder.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SERVER_PATH } from './programs.mjs';

/** Its settings are written once; it may be started again after its end. */
export class Daemon {
  /** The process, as this machine counts; undefined while there is none. */
  pid;
  #namespaces;
  #folder;
  #program;
  #isReady;
  #child;
  #closed;

  constructor(namespaces, folder, program, isReady) {
    this.#namespaces = namespaces;
    this.#folder = folder;
    this.#program = program;
    this.#isReady = isReady;
    for (const [name, content] of Object.entries(program.settings)) {
      const file = join(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }

  /** Resolves once it answers. */
  async start() {
    const { program, args, env, stale = [] } = this.#program;
    for (const file of stale) rmSync(file, { force: true });
    const log = join(this.#folder, 'log');
    const output = openSync(log, 'a');
    const [command, all] = this.#namespaces.enter(program, args);
    const child = spawn(command, all, {
      stdio: ['ignore', output, output],
      // Detached: Ctrl-C is for the test runner.
      detached: true,
      // None of the caller's settings for Docker or Podman.
      env: { PATH: SERVER_PATH, HOME: this.#folder, TMPDIR: this.#folder, ...env },
    });
    closeSync(output);
    let ended = false;
    this.#child = child;
    this.#closed = once(child, 'close').finally(() => {
      ended = true;
      this.pid = undefined;
    });
    this.#closed.catch(() => {});
    const deadline = Date.now() + 30_000;
    while (!(await this.#isReady())) {
      const what = ended ? 'has ended' : Date.now() > deadline ? 'does not answer' : undefined;
      if (what !== undefined) {
        const lastLines = readFileSync(log, 'utf8').trim().split('\n').slice(-3);
        throw new Error(`${program} ${what}: ${lastLines.join('\n')}`);
      }
      await pause(10);
    }
    child.unref();
    // The program is the only child of what entered the namespaces for it.
    this.pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
  }

  /** Sends it a signal, and resolves when it is gone. */
  async end(signal) {
    if (this.pid === undefined) return;
    this.#child.ref();
    process.kill(this.pid, signal);
    await this.#closed;
  }
}
