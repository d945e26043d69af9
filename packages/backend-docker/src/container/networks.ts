import { networkInterfaces } from 'node:os';
import { CompanionError } from '@companion/core';
import type { EnvironmentRequest } from '@companion/core/backend';
import type Dockerode from 'dockerode';
import type { Engine } from '../engine/engine.js';
import type { DockerOptions, NetworkOptions } from '../options.js';

/** What an engine replaces by the address at which its containers find its host. */
const GATEWAY = 'host-gateway';

export function networkMode(options: DockerOptions, network: 'default' | 'none'): string {
  const [first] = wantedNetworks(options);
  if (network === 'default') return first?.name ?? 'default';
  if (first === undefined) return 'none';
  const message = 'it cannot have no network and backendOptions.docker.networks';
  throw new CompanionError('COMPANION_UNSUPPORTED', message, { hint: 'Leave one of them out.' });
}

/** Of a container that is created: Docker takes one network then, and the others later. */
export function firstNetwork(options: DockerOptions) {
  const [first] = wantedNetworks(options);
  if (first === undefined) return {};
  return { NetworkingConfig: { EndpointsConfig: { [first.name]: endpoint(first) } } };
}

/** Before it is started: programs see all networks from their beginning. */
export async function connectOtherNetworks(
  { docker }: Engine,
  container: Dockerode.Container,
  options: DockerOptions,
): Promise<void> {
  for (const network of wantedNetworks(options).slice(1)) {
    await docker
      .getNetwork(network.name)
      .connect({ Container: container.id, EndpointConfig: endpoint(network) });
  }
}

function wantedNetworks({ networks = [] }: DockerOptions): readonly NetworkOptions[] {
  return networks.map((one) => (typeof one === 'string' ? { name: one } : one));
}

function endpoint({ aliases = [] }: NetworkOptions) {
  return { Aliases: [...aliases] };
}

/** On Linux only Docker Desktop brings the name of its host by itself. */
export async function extraHosts(wish: {
  readonly engine: Engine;
  readonly options: DockerOptions;
  readonly request: EnvironmentRequest;
}): Promise<string[]> {
  const { engine, options, request } = wish;
  if (request.network === 'none') return [];
  const hosts = Object.entries({ 'host.docker.internal': GATEWAY, ...options.extraHosts });
  if (engine.kind === 'docker' || knowsGateway(engine.version))
    return hosts.map(([name, address]) => `${name}:${address}`);
  const gateway = await podmanGateway(engine, networkMode(options, request.network));
  return hosts.flatMap(([name, address]) => {
    if (address !== GATEWAY) return `${name}:${address}`;
    return gateway === undefined ? [] : `${name}:${gateway}`;
  });
}

/** Podman since 4.7 (containers/podman#19152); 4.3 writes the word itself into /etc/hosts (measured). */
function knowsGateway(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 4 || (major === 4 && minor >= 7);
}

/** `undefined` where the network has none: there Podman's own `host.containers.internal` is the only name. */
async function podmanGateway(
  { docker, rootless, filesystemIsShared }: Engine,
  network: string,
): Promise<string | undefined> {
  // Of a network without root nothing is the host's: the host is reached as others reach it, and so Podman names it.
  if (rootless) return filesystemIsShared ? ownAddress() : undefined;
  const found: Dockerode.NetworkInspectInfo | undefined = await docker
    .getNetwork(network === 'default' ? 'podman' : network)
    .inspect()
    .catch(() => undefined);
  return found?.IPAM?.Config?.find(({ Gateway }) => Gateway)?.Gateway;
}

function ownAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}
