import { homedir } from 'node:os';
import { CompanionError } from '@companion/core';
import {
  type Abortable,
  type Backend,
  type BackendProcess,
  type Command,
  type Detection,
  type Environment,
  type EnvironmentRequest,
  type MainProcess,
  SPEC_VERSION,
  type Started,
} from '@companion/core/backend';
import { checkedOptions } from './options.js';
import type { HostProcesses } from './spawn.js';

export type { LocalOptions } from './options.js';

// What this file needs of the others it loads when it needs it: importing a backend, to have the choice, costs next to
// nothing.
const isWindows = process.platform === 'win32';

/** Runs processes on this machine, without isolation. Always available. */
export const localBackend: Backend = Object.freeze({
  spec: SPEC_VERSION,
  name: 'local',
  priority: 100,
  capabilities: Object.freeze({
    filesystem: 'shared',
    network: 'shared',
    processes: 'shared',
    user: false,
    // Windows can only terminate.
    signals: !isWindows,
    killTree: true,
    descendants: !isWindows,
    // A terminal comes from the supervisor.
    tty: process.platform === 'linux',
    limits: false,
    networkNone: false,
    ownerDeath: isWindows ? 'survives' : 'killed',
  } as const),
  detect,
  checkOptions: (options: unknown) => void checkedOptions(options),
  create: (request: EnvironmentRequest) => new HostEnvironment(request),
});

async function detect(request: EnvironmentRequest): Promise<Detection> {
  if (request.main !== undefined && mainCommand(request.main) === undefined) {
    return {
      available: false,
      reason: 'pause is false, and there is no image that could say what to run',
      hint: 'Pass the option `command`.',
    };
  }
  const { detectionHere } = await import('./detection.js');
  const detail = `${process.platform} ${process.arch}, Node ${process.version}`;
  return await detectionHere(detail, checkedOptions(request.backendOptions));
}

/** The host as an environment: nothing to make and nothing to remove, but processes to end. */
class HostEnvironment implements Environment {
  readonly #request: EnvironmentRequest;
  /** Made with the first process: who only registers or selects a backend does not pay for it. */
  #processes: Promise<HostProcesses> | undefined;
  #tellLost!: (error: Error) => void;
  readonly #lost = new Promise<Error>((resolve) => {
    this.#tellLost = resolve;
  });

  constructor(request: EnvironmentRequest) {
    this.#request = request;
  }

  async start({ signal }: Abortable): Promise<Started> {
    signal?.throwIfAborted();
    const { main, hostEnv, env, workDir } = this.#request;
    const started = {
      env: hostEnv,
      home: hostEnv.HOME ?? hostEnv.USERPROFILE ?? homedir(),
      lost: this.#lost,
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
    this.#processes ??= this.#openProcesses();
    return await (await this.#processes).spawn(command, options);
  }

  async #openProcesses(): Promise<HostProcesses> {
    const { HostProcesses } = await import('./spawn.js');
    const processes = new HostProcesses(checkedOptions(this.#request.backendOptions));
    void processes.lost.then(this.#tellLost);
    return processes;
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
function mainCommand({ entrypoint, command }: MainProcess): readonly string[] | undefined {
  const words = [...(entrypoint ?? []), ...(command ?? [])];
  return words.length === 0 ? undefined : words;
}
