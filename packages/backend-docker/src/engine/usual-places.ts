import { join } from 'node:path';
import { parseAddress } from './address.js';
import { homeDirectory } from './config-directory.js';
import type { Endpoint } from './endpoint.js';

/** Where engines put their socket when nobody says otherwise, in the order in which to try. */
export function usualPlaces(env: NodeJS.ProcessEnv, remark?: string): readonly Endpoint[] {
  const origin = remark === undefined ? 'a usual place' : `a usual place, since ${remark}`;
  const places = process.platform === 'win32' ? pipes() : sockets(env);
  const endpoints = places.map((path): Endpoint => {
    const scheme = process.platform === 'win32' ? 'npipe' : 'unix';
    return { address: `${scheme}://${path}`, origin, transport: { kind: 'socket', path } };
  });
  const podman = podmanHost(env);
  if (podman === undefined) return endpoints;
  // What is said to the podman command counts before where podman usually is, and after every place of Docker.
  const first = endpoints.findIndex(({ address }) => address.includes('podman'));
  return [...endpoints.slice(0, first), podman, ...endpoints.slice(first)];
}

function pipes(): string[] {
  return ['docker_engine', 'dockerDesktopLinuxEngine', 'podman-machine-default'].map(
    (name) => `//./pipe/${name}`,
  );
}

function sockets(env: NodeJS.ProcessEnv): string[] {
  const home = homeDirectory(env);
  const uid = process.getuid?.();
  // Without a login session (cron, su) the variable is missing while the engine is there all the same.
  const runtime = env.XDG_RUNTIME_DIR || `/run/user/${uid}`;
  const colima = env.COLIMA_HOME || join(home, '.colima');
  const places = [
    '/var/run/docker.sock',
    join(runtime, 'docker.sock'),
    // Docker Desktop: macOS, Linux.
    join(home, '.docker', 'run', 'docker.sock'),
    join(home, '.docker', 'desktop', 'docker.sock'),
    join(colima, 'default', 'docker.sock'),
    // Colima, where it keeps to the XDG directories.
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'colima', 'default', 'docker.sock'),
    join(home, '.orbstack', 'run', 'docker.sock'),
    join(home, '.rd', 'docker.sock'),
    join(runtime, 'podman', 'podman.sock'),
    '/run/podman/podman.sock',
    join(home, '.local', 'share', 'containers', 'podman', 'machine', 'podman.sock'),
  ];
  return [...new Set(places)];
}

/** CONTAINER_HOST of podman(1). One that cannot be read is podman's affair: docker does not look at it either. */
function podmanHost(env: NodeJS.ProcessEnv): Endpoint | undefined {
  const host = env.CONTAINER_HOST;
  if (!host) return undefined;
  try {
    return { origin: 'CONTAINER_HOST', ...parseAddress(host, 'CONTAINER_HOST') };
  } catch {
    return undefined;
  }
}
