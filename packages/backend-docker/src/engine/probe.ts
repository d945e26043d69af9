import { CompanionError } from '@companion/core';
import { isApiVersion, NEWEST_API_VERSION, negotiateApiVersion, OLDEST_API_VERSION } from './api-version.js';
import type { Endpoint } from './endpoint.js';
import { type EngineFacts, engineFacts } from './facts.js';
import { type Answer, get, getObject } from './request.js';
import { explainUnreachable } from './unreachable.js';

/** An engine that answers, and what it is. */
export interface EngineAnswer extends EngineFacts {
  readonly available: true;
  readonly endpoint: Endpoint;
  readonly kind: 'docker' | 'podman';
  /** Of the engine: 20.10.24, 4.3.1. */
  readonly version: string;
  /** Of the API, as it is to be spoken: 1.41. */
  readonly apiVersion: string;
  /** What builds images unless told otherwise: BuildKit is '2'; undefined where the engine does not say. */
  readonly builderVersion: string | undefined;
  /** Places that were tried before, and why they were passed over. */
  readonly passedOver: readonly NoEngine[];
}

/** Why there is none: what a backend's `detect()` may answer as it is. */
export interface NoEngine {
  readonly available: false;
  /** One sentence with the endpoint and where that came from. */
  readonly reason: string;
  readonly hint: string;
  readonly cause: unknown;
}

const BOUND_MS = 2000;
/** A handshake over the world takes its time; still within the 5 s of a detection. */
const SSH_BOUND_MS = 4500;
const REMEMBERED_MS = 10_000;

/** Endpoints that accept and say nothing, until when: each costs its bound once, not once per companion. */
const silent = new Map<string, number>();

export interface ProbeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** Asks one endpoint who answers there. Rejects only when aborted. */
export async function probeEngine(
  endpoint: Endpoint,
  { signal, env = process.env }: ProbeOptions,
): Promise<EngineAnswer | NoEngine> {
  const boundMs = endpoint.transport.kind === 'ssh' ? SSH_BOUND_MS : BOUND_MS;
  if ((silent.get(endpoint.address) ?? 0) > Date.now()) {
    return noEngine(endpoint, `did not answer within ${boundMs / 1000} s a moment ago`, SILENT_HINT);
  }
  const abort = new AbortController();
  const giveUp = (): void => abort.abort();
  signal?.addEventListener('abort', giveUp, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    giveUp();
  }, boundMs);
  try {
    signal?.throwIfAborted();
    return await ask(endpoint, abort.signal, env);
  } catch (error) {
    if (signal?.aborted) {
      throw new CompanionError('COMPANION_ABORTED', 'looking for a container engine was aborted', {
        cause: signal.reason,
      });
    }
    if (late) {
      silent.set(endpoint.address, Date.now() + REMEMBERED_MS);
      return noEngine(endpoint, `does not answer within ${boundMs / 1000} s`, SILENT_HINT, error);
    }
    const { problem, hint } = explainUnreachable(endpoint, error);
    return noEngine(endpoint, problem, hint, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

const SILENT_HINT =
  'See whether the engine hangs (`docker version`) and restart it; it is asked again after 10 s.';

function noEngine({ address, origin }: Endpoint, problem: string, hint: string, cause?: unknown): NoEngine {
  return { available: false, reason: `${address} (${origin}) ${problem}`, hint, cause };
}

async function ask(
  endpoint: Endpoint,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<EngineAnswer | NoEngine> {
  // One answer says nearly everything, in its headers.
  const ping = await get(endpoint, '/_ping', signal);
  const newest: unknown = ping.headers['api-version'];
  if (ping.status !== 200 || !isApiVersion(newest)) return notAnEngine(endpoint, ping);
  const server = /^(Docker|Libpod)\/(\S+)(?: \((\w+)\))?/.exec(String(ping.headers.server ?? ''));
  const libpod = ping.headers['libpod-api-version'];
  const kind = libpod !== undefined || server?.[1] === 'Libpod' ? 'podman' : 'docker';
  if ((ping.headers.ostype ?? server?.[3]) === 'windows') {
    return noEngine(
      endpoint,
      'runs Windows containers',
      'Switch it to Linux containers (in Docker Desktop: "Switch to Linux containers").',
    );
  }
  // One after another: with ssh, two at a time would be two connections, which cost more.
  const apiVersion = await apiVersionOf(endpoint, newest, signal, env);
  if (apiVersion === undefined) {
    return noEngine(
      endpoint,
      `speaks version ${newest} of the engine's API, which is too old`,
      `Update it: the oldest that serves is ${OLDEST_API_VERSION} (Docker 19.03, Podman 3).`,
    );
  }
  const facts = await engineFacts(endpoint, signal);
  // A proxy in between may have put its own name in the place of the engine's.
  const version =
    server?.[2] ?? String((await getObject(endpoint, '/version', signal))?.Version ?? 'unknown');
  const builder = ping.headers['builder-version'];
  return {
    available: true,
    endpoint,
    kind,
    version,
    apiVersion,
    builderVersion: typeof builder === 'string' && builder !== '' ? builder : undefined,
    passedOver: [],
    ...facts,
  };
}

async function apiVersionOf(
  endpoint: Endpoint,
  newest: string,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  // Like docker: who sets it knows why, and nothing is negotiated.
  const fixed = env.DOCKER_API_VERSION?.replace(/^v/, '');
  if (fixed) return negotiateApiVersion(fixed, fixed);
  const version = negotiateApiVersion(newest, undefined);
  if (version !== NEWEST_API_VERSION || version === newest) return version;
  // It is ahead of what is spoken here: does it still take that? Its minimum is in an answer that takes ten times longer.
  const accepted = await get(endpoint, `/v${version}/_ping`, signal);
  if (accepted.status === 200) return version;
  const minimum = (await getObject(endpoint, '/version', signal))?.MinAPIVersion;
  return isApiVersion(minimum) ? negotiateApiVersion(newest, minimum) : version;
}

function notAnEngine(endpoint: Endpoint, { status, body }: Answer): NoEngine {
  if (status === 400 && /HTTPS server/i.test(body)) {
    return noEngine(
      endpoint,
      'wants TLS, and nothing says so',
      'Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a context with certificates.',
    );
  }
  return noEngine(
    endpoint,
    `answers, but not like a container engine (HTTP ${status})`,
    'See what listens there; a proxy in front of an engine must let GET /_ping through.',
  );
}
