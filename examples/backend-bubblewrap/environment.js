import { CompanionError } from '@companion/core';
import { Copies } from './copies.js';
import { KeptHome } from './kept-home.js';
import { Sandbox } from './sandbox.js';
import { account, toolEnvironment } from './sandbox-options.js';
import { startError } from './start-error.js';

/** @import { Command, Environment, EnvironmentRequest } from '@companion/core/backend' */

/** @implements {Environment} */
export class BubblewrapEnvironment {
  #request;
  /** @type {Sandbox | undefined} */
  #sandbox;
  /** @type {KeptHome | undefined} */
  #kept;
  #copies = new Copies((file, args, stdin) =>
    this.spawn({ file, args, env: toolEnvironment, cwd: '/', stdin }, {}),
  );

  /** @param {EnvironmentRequest} request */
  constructor(request) {
    this.#request = request;
  }

  async start({ signal }) {
    const { env, main, workDir } = this.#request;
    const { username, home } = account();
    const { PATH } = toolEnvironment;
    const base = { PATH, HOME: home, USER: username, LOGNAME: username, LANG: 'C.UTF-8' };
    const reused = await this.#open(signal);
    const started = { env: base, home, ...reused, lost: this.#sandbox.supervisor.lost };
    if (main === undefined) return started;
    const [file, ...args] = mainCommand(main);
    if (file === undefined) {
      const hint = 'Say it with withCommand(), or keep the environment idle with withPause().';
      throw unsupported('there is no image that could say what to run', hint);
    }
    const command = { file, args, env: { ...base, ...env }, cwd: workDir, stdin: 'ignore' };
    return { ...started, main: await this.spawn(command, { signal }) };
  }

  /** After `stop()` the sandbox is still there. */
  async #open(signal) {
    if (this.#sandbox !== undefined) return {};
    const request = this.#request;
    refuseMounts(request);
    this.#kept = await this.#openKept();
    if (request.reuse !== false && this.#kept === undefined) {
      this.#notice('Another companion has the home that is kept: this one begins without.');
    }
    try {
      this.#sandbox = await Sandbox.start(request, this.#kept?.directory, signal);
    } catch (error) {
      await this.#kept?.close({ remove: !this.#kept.found });
      this.#kept = undefined;
      throw error;
    }
    if (request.network === 'default') this.#notice('This sandbox reaches no network.');
    return this.#kept?.found ? { reused: { reason: 'the name and the configuration are the same' } } : {};
  }

  async #openKept() {
    const { name, reuse, user } = this.#request;
    return reuse === false
      ? undefined
      : await KeptHome.open(name, reuse.fingerprint, typeof user === 'object');
  }

  #notice(message) {
    this.#request.emit({ topic: 'environment', type: 'notice', message });
  }

  async spawn(command, options) {
    const user = command.user ?? this.#givenUser();
    try {
      return await this.#live().supervisor.spawn({ ...command, user, noRights: true }, options);
    } catch (error) {
      throw startError(error);
    }
  }

  async resolveBinary(file, at) {
    try {
      return await this.#live().supervisor.resolve(file, { ...at, user: this.#givenUser(), noRights: true });
    } catch (error) {
      throw startError(error);
    }
  }

  #givenUser() {
    const { user } = this.#request;
    return typeof user === 'object' ? user : undefined;
  }

  connect(port) {
    return this.#live().supervisor.connect(port);
  }

  copyIn(hostPath, companionPath) {
    return this.#copies.copyIn(hostPath, companionPath);
  }

  copyOut(companionPath, hostPath) {
    return this.#copies.copyOut(companionPath, hostPath);
  }

  /** Core has ended every process it knows of; here go those that they have left behind. The files are the sandbox's. */
  async stop() {
    await this.#sandbox?.supervisor.endAll({ graceMs: 0 });
  }

  async shutdown({ remove = false } = {}) {
    await this.#sandbox?.end();
    // Also what a companion before has kept.
    if (remove) this.#kept ??= await this.#openKept();
    await this.#kept?.close({ remove });
    this.#sandbox = undefined;
    this.#kept = undefined;
  }

  #live() {
    if (this.#sandbox === undefined) throw new Error('the sandbox has ended');
    return this.#sandbox;
  }
}

/** What a main process runs: empty when nobody has said. */
export function mainCommand({ entrypoint, command }) {
  return [...(entrypoint ?? []), ...(command ?? [])];
}

/** A link that something inside has left in a kept home must not lead a mount elsewhere. */
function refuseMounts({ workspaceDir, mounts, reuse }) {
  const { home } = account();
  for (const path of [workspaceDir, ...mounts.map(({ companionPath }) => companionPath)]) {
    if (path === '/') throw unsupported('nothing can be mounted at /', 'Mount it at a directory.');
    if (reuse !== false && `${path}/`.startsWith(`${home}/`)) {
      throw unsupported(
        `with reuse, ${home} is kept, and nothing can be mounted at ${path}`,
        'Mount it elsewhere.',
      );
    }
  }
}

function unsupported(message, hint) {
  return new CompanionError('COMPANION_UNSUPPORTED', message, { hint });
}
