// @ts-check
import { homedir } from 'node:os';
import { CompanionError } from '@companion/core';
import { SPEC_VERSION } from '@companion/core/backend';

/** @import { Abortable, Backend, BackendProcess, Command, Environment, EnvironmentRequest } from '@companion/core/backend' */

/** The rules in full. */
const GUIDE = 'https://github.com/companion-dev/companion/blob/main/docs/writing-a-backend.md';

const NO_COMMAND = {
  reason: 'pause is false, and no image says what to run',
  hint: 'Pass the option `command`, or call withCommand().',
};

/** @type {Backend} */
export const templateBackend = {
  spec: SPEC_VERSION,
  name: 'template',
  priority: 50, // higher is asked first: docker has 300, local 100
  // What you promise. Core refuses what you do not, and the kit tests both. Begin low.
  capabilities: {
    filesystem: 'shared', // 'bound' or 'copied': a root of its own, with copyIn() and copyOut()
    network: 'shared', // 'private': a network of its own, with connect()
    processes: 'shared', // 'private': process ids of its own
    user: false, // a process can run as another user
    signals: true, // any signal, not TERM and KILL alone
    killTree: false, // descendants too, also those that have called setsid
    descendants: false, // they can be listed
    tty: false,
    limits: false,
    networkNone: false,
    ownerDeath: 'survives', // 'killed': nothing inside outlives this program, not even when it is SIGKILLed
  },
  // Can you serve this request on this machine, now? "No" comes with a reason, and a hint where the user can mend it.
  async detect({ main }) {
    if (main !== undefined && wordsOf(main).length === 0) return { available: false, ...NO_COMMAND };
    return { available: true, detail: process.platform };
  },
  // Without I/O: that is start()'s.
  create: (request) => new TemplateEnvironment(request),
};

/** @implements {Environment} */
class TemplateEnvironment {
  #request;

  /** @param {EnvironmentRequest} request checked, complete and frozen */
  constructor(request) {
    this.#request = request;
  }

  /**
   * Resolves when processes can be started; rejected or aborted it leaves nothing behind. `env` is the complete base
   * environment, `lost` settles if the environment dies by itself.
   *
   * @param {Abortable} options
   */
  async start({ signal }) {
    signal?.throwIfAborted();
    const { hostEnv, env, main, workDir } = this.#request;
    const started = { env: hostEnv, home: hostEnv.HOME ?? homedir(), lost: new Promise(() => {}) };
    if (main === undefined) return started;
    const [file, ...args] = wordsOf(main);
    if (file === undefined) throw new CompanionError('COMPANION_UNSUPPORTED', NO_COMMAND.reason, NO_COMMAND);
    const options = { env: { ...hostEnv, ...env }, cwd: workDir, stdin: /** @type {const} */ ('ignore') };
    return { ...started, main: await this.spawn({ file, args, ...options }, { signal }) };
  }

  /**
   * Starts one process: hands over its raw streams, its own end, and a way to signal it and its descendants.
   *
   * @param {Command} command
   * @param {Abortable} _options
   * @returns {Promise<BackendProcess>}
   */
  async spawn({ file }, _options) {
    throw new Error(`spawn() in backend.js cannot start ${file} yet: ${GUIDE}#a-process`);
  }

  /**
   * The path inside of what spawn() would run, or null.
   *
   * @param {string} file
   * @param {{ readonly env: Readonly<Record<string, string>>, readonly cwd: string }} _at
   * @returns {Promise<string | null>}
   */
  async resolveBinary(file, _at) {
    throw new Error(`resolveBinary() in backend.js cannot look for ${file} yet: ${GUIDE}#the-environment`);
  }

  /** Ends what still runs inside, also what ended processes have left behind. Files stay, and start() works again. */
  async stop() {}

  /** Removes everything. Called in any state: before start(), after stop(), twice. */
  async shutdown() {
    await this.stop();
  }
}

/** @param {NonNullable<EnvironmentRequest['main']>} main what runs inside by itself where the option `pause` is false */
function wordsOf({ entrypoint, command }) {
  return [...(entrypoint ?? []), ...(command ?? [])];
}
