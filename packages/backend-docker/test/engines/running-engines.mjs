// Engines that are already there.
import { ask } from './api.mjs';

/** What the environment names for the tests. */
export function namedAddress(kind) {
  const variable = `COMPANION_TEST_${kind.toUpperCase()}`;
  const address = process.env[variable];
  return address ? { variable, address } : undefined;
}

/** The address of one that answers: the named one, else where an ordinary user's engine is found. */
export async function findRunning(kind) {
  const named = namedAddress(kind);
  for (const address of named === undefined ? usualAddresses(kind) : [named.address]) {
    if ((await answeringKind(address)) === kind) return address;
  }
  return undefined;
}

function usualAddresses(kind) {
  const { DOCKER_HOST, XDG_RUNTIME_DIR } = process.env;
  const own = (name) => XDG_RUNTIME_DIR && `unix://${XDG_RUNTIME_DIR}/${name}`;
  const addresses =
    kind === 'docker'
      ? [DOCKER_HOST, own('docker.sock'), 'unix:///var/run/docker.sock']
      : [own('podman/podman.sock'), 'unix:///run/podman/podman.sock'];
  return addresses.filter((one) => one?.startsWith('unix:'));
}

/** Podman also answers where Docker is expected. */
async function answeringKind(address) {
  try {
    const { Components = [] } = JSON.parse(
      await ask(address, '/version', { signal: AbortSignal.timeout(5_000) }),
    );
    return Components.some(({ Name }) => Name === 'Podman Engine') ? 'podman' : 'docker';
  } catch {
    return undefined;
  }
}
