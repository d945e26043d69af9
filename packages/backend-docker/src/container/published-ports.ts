import type { Container } from 'dockerode';
import type { PublishOptions } from '../options.js';

/** A port that the engine itself publishes. */
export interface PublishedPort extends Required<PublishOptions> {
  readonly hostPort: number;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
}

interface Binding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** As the engine wants it. On loopback alone unless somebody says otherwise. */
export function portBindings(publish: readonly PublishOptions[] = []): Record<string, Binding[]> {
  const bindings: Record<string, Binding[]> = {};
  for (const { companionPort, protocol = 'tcp', hostPort, address = '127.0.0.1' } of publish) {
    const name = `${companionPort}/${protocol}`;
    const binding = { HostIp: address, HostPort: hostPort === undefined ? '' : `${hostPort}` };
    bindings[name] = [...(bindings[name] ?? []), binding];
  }
  return bindings;
}

/** As it is: the engine chooses the ports that are not given. */
export async function publishedPorts(container: Container): Promise<readonly PublishedPort[]> {
  const { NetworkSettings } = await container.inspect();
  return Object.entries(NetworkSettings.Ports ?? {}).flatMap(([name, bindings]) => {
    const [port, protocol] = name.split('/');
    // None for a port that the image exposes, and nobody has published.
    return ((bindings as Binding[] | null) ?? []).map(
      ({ HostIp, HostPort }): PublishedPort => ({
        companionPort: Number(port),
        protocol: protocol === 'udp' ? 'udp' : 'tcp',
        address: HostIp,
        hostPort: Number(HostPort),
      }),
    );
  });
}
