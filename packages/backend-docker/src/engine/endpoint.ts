import { DEFAULT_ADDRESS, DEFAULT_TLS_ADDRESS, parseAddress } from './address.js';
import { contextEndpoint, currentContext } from './context.js';
import type { SshTarget } from './ssh-target.js';
import { type TlsMaterial, tlsFromEnvironment } from './tls.js';
import { usualPlaces } from './usual-places.js';

/** How bytes get to an engine. */
export type Transport =
  /** A unix socket, or a named pipe of Windows. */
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** In front of every path of the API, for an engine behind a proxy: '' or '/docker'. */
      readonly basePath: string;
      readonly tls?: TlsMaterial;
    }
  | ({ readonly kind: 'ssh' } & SshTarget);

/** Where an engine may be. */
export interface Endpoint {
  /** As a user would write it in DOCKER_HOST: unix:///var/run/docker.sock. */
  readonly address: string;
  /** Where it came from, for messages: 'DOCKER_HOST', 'the context "build" (DOCKER_CONTEXT)', 'a usual place'. */
  readonly origin: string;
  readonly transport: Transport;
}

/** What the user has said in `backendOptions.docker`: one of them or none. */
export interface EndpointOptions {
  readonly host?: string | undefined;
  readonly context?: string | undefined;
}

/**
 * Where an engine may be, in the order in which to try: one place when anybody has said which, else the usual ones.
 * The order of what says it is that of the docker command: options, DOCKER_HOST, DOCKER_CONTEXT, `currentContext`.
 *
 * @throws CompanionError for a setting that names nothing: an unknown context, a malformed address, missing certificates
 */
export async function resolveEndpoints(
  options: EndpointOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly Endpoint[]> {
  if (options.context && options.context !== 'default') {
    return [await contextEndpoint(options.context, 'backendOptions.docker.context', env)];
  }
  if (options.host) return [await hostEndpoint(options.host, 'backendOptions.docker.host', env)];
  const context = await currentContext(env);
  if (env.DOCKER_HOST) {
    // The docker command warns of it, since it surprises those who have just called `docker context use`.
    const overridden = context.name === undefined ? '' : `, which overrides the context "${context.name}"`;
    return [await hostEndpoint(env.DOCKER_HOST, `DOCKER_HOST${overridden}`, env)];
  }
  if (context.name !== undefined && options.context !== 'default') {
    return [await contextEndpoint(context.name, context.origin, env)];
  }
  // As for docker: with TLS asked for and nothing else said, the engine is behind the port for that.
  if (env.DOCKER_TLS_VERIFY || env.DOCKER_TLS) {
    return [
      await hostEndpoint(
        DEFAULT_TLS_ADDRESS,
        env.DOCKER_TLS_VERIFY ? 'DOCKER_TLS_VERIFY' : 'DOCKER_TLS',
        env,
      ),
    ];
  }
  return usualPlaces(env, context.remark);
}

async function hostEndpoint(host: string, origin: string, env: NodeJS.ProcessEnv): Promise<Endpoint> {
  const { address, transport } = parseAddress(host.trim() || DEFAULT_ADDRESS, origin);
  if (transport.kind !== 'tcp') return { address, origin, transport };
  const tls = await tlsFromEnvironment(env);
  return { address, origin, transport: tls === undefined ? transport : { ...transport, tls } };
}
