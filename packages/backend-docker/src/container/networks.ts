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
  if (engine.kind === 'docker') return hosts.map(([name, address]) => `${name}:${address}`);
  const gateway = await podmanGateway(engine, networkMode(options, request.network));
  return hosts.flatMap(([name, address]) => {
    if (address !== GATEWAY) return `${name}:${address}`;
    return gateway === undefined ? [] : `${name}:${gateway}`;
  });
}

/**
 * Podman 4.3 writes the word itself into /etc/hosts (measured). `undefined` where the network has none, as without root:
 * there `host.containers.internal`, which Podman always adds, is the only name.
 */
async function podmanGateway({ docker, rootless }: Engine, network: string): Promise<string | undefined> {
  if (rootless) return undefined;
  const found: Dockerode.NetworkInspectInfo | undefined = await docker
    .getNetwork(network === 'default' ? 'podman' : network)
    .inspect()
    .catch(() => undefined);
  return found?.IPAM?.Config?.find(({ Gateway }) => Gateway)?.Gateway;
}
