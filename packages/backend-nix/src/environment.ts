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
import type { OpenShell } from './open-shell.js';
import { checkedOptions, type NixOptions } from './options.js';

/** A dev shell, from `start()` to `stop()`. What it takes is loaded by the first `start()`. */
export class NixEnvironment implements Environment {
  readonly #request: EnvironmentRequest;
  readonly #options: NixOptions;
  #shell: OpenShell | undefined;

  constructor(request: EnvironmentRequest) {
    this.#request = request;
    this.#options = checkedOptions(request.backendOptions);
  }

  /** Enters the shell as it is now: after `stop()` it may have become another. */
  async start({ signal }: Abortable): Promise<Started> {
    this.#checkMain();
    const { openShell } = await import('./open-shell.js');
    const shell = await openShell(this.#request, this.#options, { signal });
    this.#shell = shell;
    const started = { env: shell.env, home: shell.home, lost: shell.lost };
    const command = this.#mainCommand(shell.env);
    if (command === undefined) return started;
    try {
      return { ...started, main: await shell.spawn(command, { signal }) };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    return await this.#entered().spawn(command, options);
  }

  async resolveBinary(
    file: string,
    at: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
  ): Promise<string | null> {
    return this.#entered().resolveBinary(file, at);
  }

  async stop(): Promise<void> {
    await this.#shell?.end();
    this.#shell = undefined;
  }

  async shutdown(): Promise<void> {
    await this.stop();
  }

  #entered(): OpenShell {
    if (this.#shell !== undefined) return this.#shell;
    throw new CompanionError('COMPANION_WRONG_STATE', 'the dev shell has not been entered');
  }

  #checkMain(): void {
    const { main } = this.#request;
    if (main === undefined || wordsOf(main).length > 0) return;
    throw new CompanionError(
      'COMPANION_UNSUPPORTED',
      "backend 'nix' has no image that could say what to run",
      {
        hint: 'Say it with withCommand(), or keep the environment idle with withPause().',
      },
    );
  }

  #mainCommand(env: Readonly<Record<string, string>>): Command | undefined {
    const { main, env: wanted, workDir } = this.#request;
    const [file, ...args] = main === undefined ? [] : wordsOf(main);
    return file === undefined
      ? undefined
      : { file, args, env: { ...env, ...wanted }, cwd: workDir, stdin: 'ignore' };
  }
}

function wordsOf({ entrypoint, command }: MainProcess): readonly string[] {
  return [...(entrypoint ?? []), ...(command ?? [])];
}
