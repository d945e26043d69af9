import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Backend, Environment, EnvironmentRequest } from '@companion/core/backend';
import { type Changes, wrap } from './wrap.js';

/** Homes that outlive their companion, by what finds them again. */
type Homes = Map<string, string>;

/**
 * A backend with a filesystem of its own for all that core and the cases see, made of one that shares this machine's:
 * companion paths become host paths wherever a command names them, and its home is a directory that outlives `stop()`
 * and, with `reuse`, the companion. What it cannot do is to make a mount read-only.
 */
export function rooted(real: Backend, changes: Omit<Changes, 'command'> = {}): Backend {
  const homes: Homes = new Map();
  const rootedBackend = wrap(real, {
    capabilities: { filesystem: 'bound' },
    request: (request) => ({ ...request, workDir: toHost(request, request.workDir), hostEnv: {} }),
    environment: (environment, request) => rootedEnvironment(environment, request, homes),
  });
  return wrap(rootedBackend, changes);
}

function rootedEnvironment(
  real: Environment,
  request: EnvironmentRequest,
  homes: Homes,
): Partial<Environment> {
  const { name, reuse } = request;
  const key = reuse === false ? request.id : `${name} ${reuse.fingerprint}`;
  const PATH = process.env.PATH ?? '';
  return {
    start: async (options) => {
      options.signal?.throwIfAborted();
      const found = homes.get(key);
      const home = found ?? (await mkdtemp(join(tmpdir(), 'home-')));
      homes.set(key, home);
      const started = await real.start(options);
      return {
        ...started,
        env: { PATH, HOME: home },
        home,
        ...(found === undefined || reuse === false ? {} : { reused: { reason: 'its home was there' } }),
      };
    },
    spawn: ({ args, cwd, ...command }, options) =>
      real.spawn(
        {
          ...command,
          file: toHost(request, command.file),
          args: args.map((one) => toHost(request, one)),
          cwd: toHost(request, cwd),
        },
        options,
      ),
    resolveBinary: (file, { env, cwd }) =>
      real.resolveBinary(toHost(request, file), { env, cwd: toHost(request, cwd) }),
    copyIn: (hostPath, companionPath) => copy(hostPath, toHost(request, companionPath)),
    copyOut: (companionPath, hostPath) => copy(toHost(request, companionPath), hostPath),
    shutdown: async (options) => {
      await real.shutdown(options);
      if (reuse !== false && options?.remove !== true) return;
      const home = homes.get(key);
      homes.delete(key);
      if (home !== undefined) await rm(home, { recursive: true, force: true });
    },
  };
}

/** Text with the companion paths in it replaced; the longest first, since mounts may lie below each other. */
function toHost({ sourceDir, workspaceDir, mounts }: EnvironmentRequest, text: string): string {
  const places = [...mounts, { companionPath: workspaceDir, hostPath: sourceDir }];
  return places
    .sort((a, b) => b.companionPath.length - a.companionPath.length)
    .reduce((changed, { companionPath, hostPath }) => changed.replaceAll(companionPath, hostPath), text);
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
}
