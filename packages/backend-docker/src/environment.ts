import type { Duplex } from 'node:stream';
import { CompanionError } from '@companion/core';
import type {
  Abortable,
  BackendProcess,
  Command,
  Environment,
  EnvironmentRequest,
  MainProcess,
  Started,
} from '@companion/core/backend';
import { SpawnFailure } from '@companion/supervisor';
import { type Account, openAccount } from './container/account.js';
import { containerCapabilities } from './container/capabilities.js';
import { type Container, startContainer, type Wish } from './container/container.js';
import { Copies } from './container/copies.js';
import { enterKeptContainer, removeKeptContainer } from './container/kept-container.js';
import { startFailure } from './container/start-failure.js';
import { connectEngine, type Engine } from './engine/engine.js';
import { findEngine } from './engine/find-engine.js';
import { ensureImage } from './image/ensure-image.js';
import type { Image } from './image/image.js';
import { sweepLeftovers } from './leftovers/sweep.js';
import { checkedOptions, type DockerOptions } from './options.js';

/** What the engine gives who says nothing: docker's own (moby, oci/defaults). */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Live {
  readonly engine: Engine;
  readonly image: Image;
  readonly container: Container;
  readonly account: Account;
  readonly copies: Copies;
}

/** A container, from `start()` to `shutdown()`. */
export class DockerEnvironment implements Environment {
  readonly #request: EnvironmentRequest;
  readonly #options: DockerOptions;
  #live: Live | undefined;

  constructor(request: EnvironmentRequest) {
    this.#request = request;
    this.#options = checkedOptions(request.backendOptions);
  }

  /** The container's full id: what the engine's own tools take. `undefined` while there is none. */
  get containerId(): string | undefined {
    return this.#live?.container.handle.id;
  }

  async start({ signal }: Abortable): Promise<Started> {
    // After stop() the idle container is still there, with its files.
    const fresh = this.#live === undefined;
    this.#live ??= await this.#open({ signal });
    const { account, image, container } = this.#live;
    const env = baseVariables(image, account, this.#request.user);
    const { reused } = container;
    const started = {
      env,
      home: env.HOME ?? account.home,
      lost: container.supervisor.lost,
      ...(fresh && reused !== undefined ? { reused } : {}),
    };
    const { main } = this.#request;
    if (main === undefined) return started;
    return { ...started, main: await this.#startMain(main, env, { signal }) };
  }

  async #open({ signal }: Abortable): Promise<Live> {
    const request = this.#request;
    const answer = await findEngine(this.#options, { signal });
    if (!answer.available) {
      const { reason, hint, cause } = answer;
      throw new CompanionError('COMPANION_START_FAILED', reason, { hint, cause });
    }
    const engine = await connectEngine(answer);
    if (request.image === undefined) throw noImage();
    const image = await ensureImage(engine, request.image, { emit: request.emit, signal });
    const capabilities = containerCapabilities(this.#options, engine.kind);
    const wish: Wish = { request, options: this.#options, engine, image, capabilities };
    const container = await (request.reuse === false ? startContainer : enterKeptContainer)(wish, { signal });
    try {
      const account = await openAccount(container.supervisor, { request, engine, image });
      const copies = new Copies(container.handle, account);
      if (!engine.filesystemIsShared && container.reused === undefined) await this.#copyAll(copies, signal);
      for (const path of Object.keys(this.#options.caches ?? {})) await copies.giveDirectory(path);
      signal?.throwIfAborted();
      sweepLeftovers(engine);
      return { engine, image, container, account, copies };
    } catch (error) {
      await container.end({ remove: container.reused === undefined }).catch(() => {});
      signal?.throwIfAborted();
      throw startFailure(engine, error);
    }
  }

  /** For an engine on another machine. */
  async #copyAll(copies: Copies, signal: AbortSignal | undefined): Promise<void> {
    const { sourceDir, workspaceDir, mounts } = this.#request;
    await copies.copyIn(sourceDir, workspaceDir);
    for (const { hostPath, companionPath } of mounts) {
      signal?.throwIfAborted();
      await copies.copyIn(hostPath, companionPath);
    }
  }

  async #startMain(main: MainProcess, env: Started['env'], options: Abortable): Promise<BackendProcess> {
    const { image } = this.#now();
    // As docker does it: the image's command belongs to the image's entrypoint.
    const entrypoint = main.entrypoint ?? image.entrypoint;
    const command = main.command ?? (main.entrypoint === undefined ? image.command : []);
    const [file, ...args] = [...entrypoint, ...command];
    if (file === undefined) {
      throw new CompanionError('COMPANION_UNSUPPORTED', 'the image does not say what to run', {
        hint: 'Say it with withCommand(), or keep the environment idle with withPause().',
      });
    }
    const { workDir, env: wanted } = this.#request;
    return await this.spawn(
      { file, args, env: { ...env, ...wanted }, cwd: workDir, stdin: 'ignore' },
      options,
    );
  }

  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    const { container, account } = this.#now();
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
    const { container, account } = this.#now();
    return await container.supervisor.resolve(file, { ...at, user: account });
  }

  async connect(port: number): Promise<Duplex> {
    return await this.#now().container.supervisor.connect(port);
  }

  async copyIn(hostPath: string, companionPath: string): Promise<void> {
    await this.#now().copies.copyIn(hostPath, companionPath);
  }

  async copyOut(companionPath: string, hostPath: string): Promise<void> {
    await this.#now().copies.copyOut(companionPath, hostPath);
  }

  /** Core has ended every process it knows of; here go those that they have left behind. The container stays, idle. */
  async stop(): Promise<void> {
    await this.#live?.container.supervisor.endAll({ graceMs: 0 });
  }

  async shutdown({ remove = false }: { readonly remove?: boolean } = {}): Promise<void> {
    const live = this.#live;
    if (live !== undefined) {
      await live.container.end({ remove });
      this.#live = undefined;
    } else if (remove && this.#request.reuse !== false) {
      await removeKeptContainer(this.#request, this.#options);
    }
  }

  #now(): Live {
    if (this.#live === undefined) throw new Error('the container has ended');
    return this.#live;
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

function commandFailure(error: unknown): unknown {
  if (!(error instanceof SpawnFailure)) return error;
  const hint =
    error.companionCode === 'COMPANION_COMMAND_NOT_FOUND'
      ? 'The environment has the programs of its image: use another image, or mount what is missing.'
      : undefined;
  return new CompanionError(error.companionCode, error.message, { hint, cause: error });
}

function noImage(): CompanionError {
  return new CompanionError('COMPANION_UNSUPPORTED', 'a container needs an image', {
    hint: 'Pass the option `image`.',
  });
}
