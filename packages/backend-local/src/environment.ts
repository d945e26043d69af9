import { homedir } from 'node:os';
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
import type { HostProcesses } from './spawn.js';

/** The host as an environment: nothing to make and nothing to remove, but processes to end. */
export class HostEnvironment implements Environment {
  readonly #request: EnvironmentRequest;
  /** Made with the first process: who only registers or selects a backend does not pay for it. */
  #processes: Promise<HostProcesses> | undefined;

  constructor(request: EnvironmentRequest) {
    this.#request = request;
  }

  async start({ signal }: Abortable): Promise<Started> {
    signal?.throwIfAborted();
    const { main, hostEnv, env, workDir } = this.#request;
    const started = {
      env: hostEnv,
      home: hostEnv.HOME ?? hostEnv.USERPROFILE ?? homedir(),
      // This process runs on the host: when the host goes, nobody is left to be told.
      lost: new Promise<Error>(() => {}),
    };
    if (main === undefined) return started;
    const [file, ...args] = mainCommand(main) ?? [];
    if (file === undefined) {
      throw new CompanionError(
        'COMPANION_UNSUPPORTED',
        "backend 'local' has no image that could say what to run",
        {
          hint: 'Say it with withCommand(), or keep the environment idle with withPause().',
        },
      );
    }
    const command: Command = { file, args, env: { ...hostEnv, ...env }, cwd: workDir, stdin: 'ignore' };
    return { ...started, main: await this.spawn(command, { signal }) };
  }

  async spawn(command: Command, options: Abortable): Promise<BackendProcess> {
    this.#processes ??= import('./spawn.js').then(({ HostProcesses }) => new HostProcesses());
    return (await this.#processes).spawn(command, options);
  }

  async resolveBinary(
    file: string,
    at: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
  ): Promise<string | null> {
    const { resolveBinary } = await import('./resolve-binary.js');
    const found = resolveBinary(file, at);
    return found.is === 'program' ? found.path : null;
  }

  async stop(): Promise<void> {
    await (await this.#processes)?.endAll();
  }

  async shutdown(): Promise<void> {
    await (await this.#processes)?.endAll();
  }
}

/** What a main process runs where there is no image; `undefined` when nothing is said. */
export function mainCommand({ entrypoint, command }: MainProcess): readonly string[] | undefined {
  const words = [...(entrypoint ?? []), ...(command ?? [])];
  return words.length === 0 ? undefined : words;
}
