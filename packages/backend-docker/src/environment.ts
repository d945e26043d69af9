import type { Duplex } from 'node:stream';
import type {
  Abortable,
  BackendProcess,
  Command,
  Environment,
  EnvironmentRequest,
  Started,
} from '@companion/core/backend';
import type { OpenContainer } from './container/open-container.js';
import type { PublishedPort } from './container/published-ports.js';
import { checkedOptions, type DockerOptions } from './options.js';

/** A container, from `start()` to `shutdown()`. What it takes is loaded by the first `start()`. */
export class DockerEnvironment implements Environment {
  readonly #request: EnvironmentRequest;
  readonly #options: DockerOptions;
  #container: OpenContainer | undefined;

  constructor(request: EnvironmentRequest) {
    this.#request = request;
    this.#options = checkedOptions(request.backendOptions);
  }

  /** The container's full id: what the engine's own tools take. `undefined` while there is none. */
  get containerId(): string | undefined {
    return this.#container?.id;
  }

  /** Resolves once it has been looked for what killed companions have left on the engine, which no start waits for. */
  get swept(): Promise<void> {
    return this.#container?.swept ?? Promise.resolve();
  }

  /** What `backendOptions.docker.publish` has become: the engine chooses host ports that are not given. */
  async publishedPorts(): Promise<readonly PublishedPort[]> {
    return await this.#now().publishedPorts();
  }

  async start({ signal }: Abortable): Promise<Started> {
    // After stop() the idle container is still there, with its files.
    const isNew = this.#container === undefined;
    this.#container ??= await this.#open({ signal });
    const container = this.#container;
    const { env, home, lost, reused } = container;
    const started = { env, home, lost, ...(isNew && reused !== undefined ? { reused } : {}) };
    const { main } = this.#request;
    if (main === undefined) return started;
    try {
      return { ...started, main: await container.startMain(main, { signal }) };
    } catch (error) {
      if (isNew) {
        this.#container = undefined;
        await container.end({ remove: reused === undefined }).catch(() => {});
      }
      throw error;
    }
  }

  async #open(options: Abortable): Promise<OpenContainer> {
    const { openContainer } = await import('./container/open-container.js');
    return await openContainer(this.#request, this.#options, options);
  }

  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    return await this.#now().spawn(command, options);
  }

  async resolveBinary(
    file: string,
    at: { env: Readonly<Record<string, string>>; cwd: string },
  ): Promise<string | null> {
    return await this.#now().resolveBinary(file, at);
  }

  async connect(port: number): Promise<Duplex> {
    return await this.#now().connect(port);
  }

  async copyIn(hostPath: string, companionPath: string): Promise<void> {
    await this.#now().copyIn(hostPath, companionPath);
  }

  async copyOut(companionPath: string, hostPath: string): Promise<void> {
    await this.#now().copyOut(companionPath, hostPath);
  }

  /** Core has ended every process it knows of; here go those that they have left behind. The container stays, idle. */
  async stop(): Promise<void> {
    await this.#container?.endAll();
  }

  async shutdown({ remove = false }: { readonly remove?: boolean } = {}): Promise<void> {
    if (this.#container !== undefined) {
      await this.#container.end({ remove });
      this.#container = undefined;
    } else if (remove && this.#request.reuse !== false) {
      const { removeKeptContainer } = await import('./container/kept-container.js');
      await removeKeptContainer(this.#request, this.#options);
    }
  }

  #now(): OpenContainer {
    if (this.#container === undefined) throw new Error('the container has ended');
    return this.#container;
  }
}
