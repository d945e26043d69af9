import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { CompanionError } from '@companion/core';
import { checkedOptions } from './connection.js';
import { Copies } from './copies.js';
import { Machine } from './machine.js';
import { startError } from './start-error.js';

/** @import { Environment, EnvironmentRequest } from '@companion/core/backend' */

/** For this backend's own processes: nothing that a caller or a workspace could have changed. */
const TOOLS = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Where the machine's own files are. */
const TAKEN = /^\/((bin|dev|etc|lib|lib32|lib64|libx32|nix|opt|proc|sbin|usr)(\/|$)|$)/;

/** @implements {Environment} */
export class SshEnvironment {
  #request;
  #connection;
  /** @type {Machine | undefined} */
  #machine;
  /** What the environment was started with there, and as which user. */
  #variables;
  #copies = new Copies((file, args, stdin) => this.spawn({ file, args, env: TOOLS, cwd: '/', stdin }, {}));

  /** @param {EnvironmentRequest} request */
  constructor(request) {
    this.#request = request;
    this.#connection = checkedOptions(request.backendOptions);
  }

  async start({ signal }) {
    const { env, main, workDir } = this.#request;
    const reused = await this.#open(signal);
    const base = this.#variables;
    const started = { env: base, home: base.HOME, ...reused, lost: this.#machine.supervisor.lost };
    if (main === undefined) return started;
    const [file, ...args] = mainCommand(main);
    if (file === undefined) {
      const hint = 'Say it with withCommand(), or keep the environment idle with withPause().';
      throw unsupported('there is no image that could say what to run', hint);
    }
    const command = { file, args, env: { ...base, ...env }, cwd: workDir, stdin: 'ignore' };
    return { ...started, main: await this.spawn(command, { signal }) };
  }

  /** After `stop()` the environment is still there, and its files are as they were. */
  async #open(signal) {
    if (this.#machine !== undefined) return {};
    const wanted = placesOf(this.#request);
    const machine = await this.#begin(signal);
    this.#machine = machine;
    // Whatever is being copied then.
    const giveUp = () => void machine.end();
    signal?.addEventListener('abort', giveUp);
    try {
      const { COMPANION_FOUND, ...variables } = await this.#ownVariables();
      this.#variables = variables;
      await this.#copyAll(wanted, signal);
      if (this.#request.network === 'default') this.#notice('This environment reaches no network.');
      const reason = 'the name and the configuration are the same';
      return COMPANION_FOUND === '' ? {} : { reused: { reason } };
    } catch (error) {
      await this.#close();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** In the directory that is kept, if there is to be one and nobody else has it; else in a new one. */
  async #begin(signal) {
    const { id, reuse } = this.#request;
    if (reuse !== false) {
      const kept = await Machine.start(this.#connection, { name: this.#keptName(), kept: true }, signal);
      if (kept !== undefined) return kept;
      this.#notice('Another companion has the environment that is kept: this one begins without.');
    }
    const name = `run-${id}-${randomBytes(6).toString('hex')}`;
    return await Machine.start(this.#connection, { name, kept: false }, signal);
  }

  #keptName() {
    const { name, reuse } = this.#request;
    return `kept-${name}-${reuse.fingerprint}`;
  }

  async #ownVariables() {
    const asking = await this.#machine.supervisor.spawn({
      ...{ file: '/usr/bin/env', args: ['-0'], env: {}, additiveEnv: true },
      ...{ cwd: '/', stdin: 'ignore', noRights: true },
    });
    asking.stderr.resume();
    const said = await text(asking.stdout);
    const variables = said.split('\0').filter((one) => one !== '');
    return Object.fromEntries(variables.map((one) => one.split(/=(.*)/s, 2)));
  }

  async #copyAll(wanted, signal) {
    const { user } = this.#request;
    const isGiven = typeof user === 'object';
    // What belongs to somebody else in the end takes rights to make.
    const copies = new Copies((file, args, stdin) =>
      this.#live().supervisor.spawn({ file, args, env: TOOLS, cwd: '/', stdin, noRights: !isGiven }),
    );
    const protectedPlaces = wanted.filter(({ readOnly }) => readOnly);
    for (const { companionPath } of protectedPlaces) await copies.remove(companionPath);
    for (const { hostPath, companionPath } of wanted) {
      signal?.throwIfAborted();
      await copies.copyIn(hostPath, companionPath);
      if (isGiven) await copies.give(companionPath, user);
    }
    if (isGiven) await copies.give(this.#variables.HOME, user);
    for (const { companionPath } of protectedPlaces) await copies.protect(companionPath);
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

  /** Core has ended every process it knows of; here go those that they have left behind. The files stay. */
  async stop() {
    await this.#machine?.supervisor.endAll({ graceMs: 0 });
  }

  async shutdown({ remove = false } = {}) {
    await this.#close();
    // Also what an earlier companion has kept.
    if (remove && this.#request.reuse !== false) await Machine.remove(this.#connection, this.#keptName());
  }

  async #close() {
    const machine = this.#machine;
    this.#machine = undefined;
    await machine?.end();
  }

  #live() {
    if (this.#machine === undefined) throw new Error('the environment has ended');
    return this.#machine;
  }
}

/** What a main process runs: empty when nobody has said. */
export function mainCommand({ entrypoint, command }) {
  return [...(entrypoint ?? []), ...(command ?? [])];
}

/** What is to be copied where: a directory before what is in it. */
function placesOf({ sourceDir, workspaceDir, mounts }) {
  const source = { hostPath: sourceDir, companionPath: workspaceDir, readOnly: false };
  const places = [source, ...mounts].toSorted(
    (one, other) => one.companionPath.length - other.companionPath.length,
  );
  for (const { companionPath, readOnly } of places) {
    if (TAKEN.test(companionPath)) {
      throw unsupported(
        `nothing can be copied to ${companionPath}: the machine's own files are there`,
        'Mount it elsewhere.',
      );
    }
    const inside = places.find((one) => one.companionPath.startsWith(`${companionPath}/`) && !one.readOnly);
    if (readOnly && inside !== undefined) {
      const what = `${inside.companionPath} cannot be written in ${companionPath}, which is read-only`;
      throw unsupported(what, 'Mount it elsewhere.');
    }
  }
  return places;
}

function unsupported(message, hint) {
  return new CompanionError('COMPANION_UNSUPPORTED', message, { hint });
}
