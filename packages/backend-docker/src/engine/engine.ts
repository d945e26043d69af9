import type { Agent } from 'node:http';
import type Dockerode from 'dockerode';
import { agentOf } from './engine-agent.js';
import type { EngineAnswer } from './probe.js';

/** An engine and its client. */
export interface Engine extends EngineAnswer {
  readonly docker: Dockerode;
}

/** The client for an engine that has answered; no request is made. The first call loads dockerode: 0.2 s. */
export async function connectEngine(answer: EngineAnswer): Promise<Engine> {
  const { default: Client } = await import('dockerode');
  // dockerode reads DOCKER_HOST also where it is told everything, and throws when it or the certificates of
  // DOCKER_CERT_PATH are not as it thinks. Nothing else runs in between.
  const { DOCKER_HOST } = process.env;
  delete process.env.DOCKER_HOST;
  try {
    return { ...answer, docker: new Client(clientOptions(answer)) };
  } finally {
    if (DOCKER_HOST !== undefined) process.env.DOCKER_HOST = DOCKER_HOST;
  }
}

function clientOptions({ endpoint, apiVersion }: EngineAnswer): Dockerode.DockerOptions & { agent: Agent } {
  const { transport } = endpoint;
  const { host, port, basePath } =
    transport.kind === 'tcp' ? transport : { host: 'localhost', port: 80, basePath: '' };
  return {
    // TLS, too, is the agent's affair.
    protocol: 'http',
    agent: agentOf(endpoint),
    host,
    port,
    // The only place where a path of a proxy survives in dockerode.
    version: `${basePath.replace(/^\//, '')}${basePath && '/'}v${apiVersion}`,
  };
}
