import type { Duplex } from 'node:stream';
import { CompanionError, type CompanionErrorCode } from '@companion/core';
import type {
  Abortable,
  BackendProcess,
  Command,
  EnvironmentRequest,
  MainProcess,
} from '@companion/core/backend';
import { SpawnFailure } from '@companion/supervisor';
import { connectEngine, type Engine } from '../engine/engine.js';
import { engineError, engineIsGone, engineWords } from '../engine/engine-error.js';
import { findEngine } from '../engine/find-engine.js';
import { ensureImage } from '../image/ensure-image.js';
import type { Image } from '../image/image.js';
import { sweepLeftovers } from '../leftovers/sweep.js';
import type { DockerOptions } from '../options.js';
import { type Account, openAccount } from './account.js';
import { containerCapabilities } from './capabilities.js';
import { type Container, startContainer, type Wish } from './container.js';
import { Copies } from './copies.js';
import { enterKeptContainer } from './kept-container.js';
import { type PublishedPort, publishedPorts } from './published-ports.js';
import { startFailure } from './start-failure.js';

/** What the engine gives who says nothing: docker's own (moby, oci/defaults). */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Parts {
  readonly request: EnvironmentRequest;
  readonly engine: Engine;
  readonly image: Image;
  readonly container: Container;
  readonly account: Account;
  readonly copies: Copies;
  readonly swept: Promise<void>;
}

/** A container that runs, with its session, its user and its files. */
export class OpenContainer {
  /** The base environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly lost: Promise<Error>;
  readonly reused: Container['reused'];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const { image, account, request, container } = parts;
    this.#parts = parts;
    this.env = baseVariables(image, account, request.user);
    this.home = this.env.HOME ?? account.home;
    this.lost = container.supervisor.lost;
    this.reused = container.reused;
  }

  get id(): string {
    return this.#parts.container.handle.id;
  }

  get swept(): Promise<void> {
    return this.#parts.swept;
  }

  async publishedPorts(): Promise<readonly PublishedPort[]> {
    return await publishedPorts(this.#parts.container.handle);
  }

  async startMain(main: MainProcess, options: Abortable): Promise<BackendProcess> {
    const { image, request } = this.#parts;
    // As docker does it: the image's command belongs to the image's entrypoint.
    const entrypoint = main.entrypoint ?? image.entrypoint;
    const words = main.command ?? (main.entrypoint === undefined ? image.command : []);
    const [file, ...args] = [...entrypoint, ...words];
    if (file === undefined) {
      throw new CompanionError('COMPANION_UNSUPPORTED', 'the image does not say what to run', {
        hint: 'Say it with withCommand(), or keep the environment idle with withPause().',
      });
    }
    const env = { ...this.env, ...request.env };
    return await this.spawn({ file, args, env, cwd: request.workDir, stdin: 'ignore' }, options);
  }

  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    const { container, account } = this.#parts;
    return await container.supervisor
      .spawn({ ...command, user: command.user ?? account }, options)
      .catch((error) => {
        throw commandFailure(error);
      });
  }

  async resolveBinary(
    file: string,
    at: { env: Readonly<Record<string, string>>; cwd: string },
  ): Promise<string | null> {
    const { container, account } = this.#parts;
    return await container.supervisor.resolve(file, { ...at, user: account });
  }

  async connect(port: number): Promise<Duplex> {
    return await this.#parts.container.supervisor.connect(port);
  }

  async copyIn(hostPath: string, companionPath: string): Promise<void> {
    const { copies, engine } = this.#parts;
    await copies.copyIn(hostPath, companionPath).catch((error) => {
      throw copyFailure(engine, error, `${hostPath} could not be copied to ${companionPath}`);
    });
  }

  async copyOut(companionPath: string, hostPath: string): Promise<void> {
    const { copies, engine } = this.#parts;
    await copies.copyOut(companionPath, hostPath).catch((error) => {
      throw copyFailure(engine, error, `${companionPath} could not be copied to ${hostPath}`);
    });
  }

  async endAll(): Promise<void> {
    await this.#parts.container.supervisor.endAll({ graceMs: 0 });
  }

  async end(options: { readonly remove: boolean }): Promise<void> {
    await this.#parts.container.end(options);
  }
}

/** Rejecting or aborting leaves nothing behind. */
export async function openContainer(
  request: EnvironmentRequest,
  options: DockerOptions,
  { signal }: Abortable,
): Promise<OpenContainer> {
  const answer = await findEngine(options, { signal });
  if (!answer.available) {
    const { reason, hint, cause } = answer;
    throw new CompanionError('COMPANION_START_FAILED', reason, { hint, cause });
  }
  const engine = await connectEngine(answer);
  if (request.image === undefined) throw noImage();
  const image = await ensureImage(engine, request.image, { emit: request.emit, signal });
  const capabilities = containerCapabilities(options, engine.kind);
  const wish: Wish = { request, options, engine, image, capabilities };
  const container = await (request.reuse === false ? startContainer : enterKeptContainer)(wish, { signal });
  try {
    const account = await openAccount(container.supervisor, { request, engine, image });
    const copies = new Copies(container.handle, account, await inMemory(wish, container));
    if (!engine.filesystemIsShared && container.reused === undefined) await copyAll(request, copies, signal);
    if (!options.readOnlyRoot) {
      for (const path of Object.keys(options.caches ?? {})) await copies.giveDirectory(path);
    }
    signal?.throwIfAborted();
    // In the background: no start waits for what others have left.
    const swept = sweepLeftovers(engine);
    return new OpenContainer({ request, engine, image, container, account, copies, swept });
  } catch (error) {
    await container.end({ remove: container.reused === undefined }).catch(() => {});
    signal?.throwIfAborted();
    throw startFailure(engine, error);
  }
}

/** What Docker's archives do not see: they are of the files that the container has on the disk. */
async function inMemory({ engine, options }: Wish, { handle }: Container): Promise<readonly string[]> {
  const { tmpfs = [], readOnlyRoot = false } = options;
  if (engine.kind === 'podman' || (tmpfs.length === 0 && !readOnlyRoot)) return [];
  const { HostConfig } = await handle.inspect();
  return Object.keys(HostConfig.Tmpfs ?? {});
}

/** For an engine on another machine. */
async function copyAll(
  { sourceDir, workspaceDir, mounts }: EnvironmentRequest,
  copies: Copies,
  signal: AbortSignal | undefined,
): Promise<void> {
  await copies.copyIn(sourceDir, workspaceDir);
  for (const { hostPath, companionPath, readOnly } of mounts) {
    signal?.throwIfAborted();
    // It is there already, in a volume.
    if (readOnly) continue;
    await copies.copyIn(hostPath, companionPath);
  }
}

function baseVariables(
  image: Image,
  account: Account,
  user: EnvironmentRequest['user'],
): Record<string, string> {
  const own = { HOME: account.home, USER: account.name, LOGNAME: account.name };
  // What the image says of its own user is right; of another one it is not.
  const named = user === 'image' ? { ...own, ...image.env } : { ...image.env, ...own };
  return { PATH: DEFAULT_PATH, ...named };
}

const HINTS: ReadonlyMap<CompanionErrorCode, string> = new Map([
  [
    'COMPANION_COMMAND_NOT_FOUND',
    'The environment has the programs of its image: use another image, or mount what is missing.',
  ],
  [
    'COMPANION_COMMAND_NOT_EXECUTABLE',
    'See its mode and its first line, and whether it is made for the architecture of the image.',
  ],
  [
    'COMPANION_WORK_DIR_NOT_FOUND',
    'A directory is a companion path: it must be in the image or mounted, and the user must be allowed to enter it.',
  ],
]);

function commandFailure(error: unknown): unknown {
  if (!(error instanceof SpawnFailure)) return error;
  const hint = HINTS.get(error.companionCode);
  return new CompanionError(error.companionCode, error.message, { hint, cause: error });
}

/** Failures of this machine's files are those of node:fs, as on every backend. */
function copyFailure({ endpoint }: Engine, error: unknown, what: string): unknown {
  const code = 'COMPANION_ENVIRONMENT_LOST';
  if (engineIsGone(error)) return engineError(error, { what, code, endpoint });
  const isRefusal = error instanceof Error && 'statusCode' in error;
  return isRefusal ? new Error(`${what}: ${engineWords(error)}`, { cause: error }) : error;
}

function noImage(): CompanionError {
  return new CompanionError('COMPANION_UNSUPPORTED', 'a container needs an image', {
    hint: 'Pass the option `image`.',
  });
}
