// Docker, Podman and two registries for tests and benchmarks: engines that somebody names or that let this user in, or
// ones of the tests' own, which touch nothing of the machine and end with this process, however that ends.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ask } from './api.mjs';
import { Daemon } from './daemon.mjs';
import { hasRegistry, loadImages, privateRegistry, testImages } from './image-loading.mjs';
import { LOADED_IMAGES, prepareImages, REGISTRY, registryOf } from './images.mjs';
import { openNamespaces } from './namespaces.mjs';
import { dockerd, missingPrograms, podman, registry, SERVER_PATH } from './programs.mjs';
import { findRunning, namedAddress } from './running-engines.mjs';

const PROGRAMS = { docker: dockerd, podman };

export async function startEngines(options) {
  const engines = new Engines(options);
  try {
    await engines.open();
  } catch (error) {
    await engines.stop();
    throw error;
  }
  return engines;
}

class Engines {
  docker;
  podman;
  absent = {};
  missing = [];
  #options;
  #files;
  #namespaces;
  #daemons = {};
  #cleanUps = [];

  constructor({ kinds = ['docker', 'podman'], images = LOADED_IMAGES, own = false } = {}) {
    this.#options = { kinds, images, own };
  }

  async open() {
    const { kinds } = this.#options;
    const { folder, reason } = prepareImages();
    this.#files = folder;
    const toStart = [];
    for (const kind of kinds) {
      const place = reason === undefined ? await this.#place(kind) : { reason };
      if (place.reason !== undefined) this.absent[kind] = place.reason;
      else if (place.address === undefined) toStart.push(kind);
      else await this.#use(kind, place.address);
    }
    if (toStart.length > 0) await this.#startOwn(toStart);
    for (const kind of kinds) {
      if (this.absent[kind] !== undefined) this.missing.push(`${kind}: ${this.absent[kind]}`);
    }
  }

  describe() {
    const { docker, podman, absent, missing } = this;
    // Without what is undefined, and with the process of today.
    return JSON.parse(JSON.stringify({ docker, podman, absent, missing }));
  }

  async run(command, args = []) {
    const env = { ...process.env, PATH: SERVER_PATH };
    const all = this.#namespaces?.enter(command, args) ?? [command, args];
    return await promisify(execFile)(...all, { env });
  }

  async end(kind, signal = 'SIGTERM') {
    await this.#daemons[kind].end(signal);
  }

  async start(kind) {
    await this.#daemons[kind].start();
  }

  async stop() {
    for (const cleanUp of this.#cleanUps.splice(0)) await cleanUp();
    await this.#namespaces?.close();
  }

  /** One that somebody has named, or that lets in who cannot start one; nothing: one is to be started. */
  async #place(kind) {
    const named = namedAddress(kind);
    const reason = whyNotStarted(kind);
    if (this.#options.own) return { reason };
    if (named === undefined && reason === undefined) return {};
    const address = await findRunning(kind);
    if (address !== undefined) return { address };
    if (named !== undefined) return { reason: `no ${kind} answers at ${named.address} (${named.variable})` };
    return { reason: `${reason}; or name one that runs: COMPANION_TEST_${kind.toUpperCase()}=unix:///…` };
  }

  async #use(kind, address) {
    this.#cleanUps.push(await loadImages(address, this.#options.images, this.#files));
    this[kind] = describeEngine(kind, address, await hasRegistry(address));
  }

  async #startOwn(kinds) {
    const folder = mkdtempSync(join(tmpdir(), 'companion-engines-'));
    try {
      this.#namespaces = await openNamespaces(folder);
    } catch (error) {
      for (const kind of kinds) this.absent[kind] = error.message;
      return;
    }
    const noRegistry = missingPrograms('registry');
    if (noRegistry !== undefined) this.missing.push(`registry for the engines: ${noRegistry}`);
    const registries = noRegistry === undefined ? ['open', 'private'] : [];
    await Promise.all([
      ...registries.map((kind) => this.#startRegistry(kind, join(folder, kind))),
      ...kinds.map(async (kind) => {
        try {
          await this.#startEngine(kind, join(folder, kind), noRegistry === undefined);
        } catch (error) {
          this.absent[kind] = error.message;
        }
      }),
    ]);
  }

  async #startRegistry(kind, folder) {
    const program = registry(folder, kind);
    mkdirSync(folder);
    cpSync(registryOf(this.#files, kind), join(folder, 'storage'), { recursive: true });
    // Nobody outside can ask it: its port is on the loopback of the engines.
    const isReady = async () =>
      readFileSync(join(folder, 'log'), 'utf8').includes(`listening on ${program.address}`);
    await new Daemon(this.#namespaces, folder, program, isReady).start();
  }

  async #startEngine(kind, folder, withRegistry) {
    const program = PROGRAMS[kind](folder);
    const address = `unix://${program.socket}`;
    const isReady = () =>
      ask(address, '/_ping').then(
        () => true,
        () => false,
      );
    const daemon = new Daemon(this.#namespaces, folder, program, isReady);
    this.#daemons[kind] = daemon;
    await daemon.start();
    await loadImages(address, this.#options.images, this.#files);
    const engine = describeEngine(kind, address, withRegistry);
    this[kind] = Object.defineProperty(engine, 'pid', { enumerable: true, get: () => daemon.pid });
  }
}

function describeEngine(kind, address, withRegistry) {
  const registries = { registry: REGISTRY, privateRegistry: privateRegistry() };
  return { kind, address, images: testImages(), ...(withRegistry && registries) };
}

function whyNotStarted(kind) {
  if (process.platform !== 'linux') return 'the tests start engines of their own on Linux only';
  return (
    missingPrograms(kind, 'namespaces') ??
    (process.getuid() === 0
      ? undefined
      : 'only root may start one for the tests, and none that runs lets this user in')
  );
}
