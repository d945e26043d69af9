import { CompanionError, type CompanionErrorCode } from '@companion/core';
import type { Endpoint } from './endpoint.js';
import { SshError } from './ssh-connection.js';
import { explainUnreachable } from './unreachable.js';

export interface EngineErrorContext {
  /** What has failed: 'the container could not be created'. The reason follows after a colon. */
  readonly what: string;
  /** Where the engine refuses, and nothing more exact is known from its words. */
  readonly code: CompanionErrorCode;
  /** Where the engine cannot be reached any more: `COMPANION_ENVIRONMENT_LOST` once there is an environment. Default: `code`. */
  readonly lostCode?: CompanionErrorCode;
  readonly endpoint: Endpoint;
}

/** An answer of the engine that is no success, as dockerode throws it. */
interface Refusal extends Error {
  readonly statusCode: number;
  readonly json?: unknown;
}

/**
 * Whatever dockerode or node:http has thrown as one sentence with a hint. An error that is a CompanionError already stays
 * what it is.
 */
export function engineError(error: unknown, context: EngineErrorContext): CompanionError {
  if (CompanionError.is(error)) return error;
  const { what, code, lostCode = code, endpoint } = context;
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return new CompanionError('COMPANION_ABORTED', `${what}: it was aborted`, { cause: error });
  }
  if (engineIsGone(error)) {
    const { problem, hint } = explainUnreachable(endpoint, error);
    return new CompanionError(lostCode, `${what}: ${endpoint.address} (${endpoint.origin}) ${problem}`, {
      cause: error,
      hint,
    });
  }
  const words = engineWords(error);
  const known = KNOWN.find(({ pattern }) => pattern.test(words));
  return new CompanionError(known?.code ?? code, `${what}: ${words}`, {
    cause: error,
    hint: known?.hint ?? hintOfStatus(error),
  });
}

/** True where the connection failed or ended without an answer: the engine has ended, or cannot be reached. */
export function engineIsGone(error: unknown): boolean {
  if (error instanceof SshError) return true;
  if (!(error instanceof Error) || isRefusal(error)) return false;
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  // 'connect' for all that a socket, a port or a name can have against it.
  return syscall === 'connect' || syscall === 'getaddrinfo' || GONE.has(code) || code.startsWith('ERR_SSL_');
}

/** Podman calls it an error of its own when a container goes while it looks at it. */
export function containerIsGone(error: unknown): boolean {
  const { statusCode } = error as { readonly statusCode?: number };
  if (statusCode === 404) return true;
  return statusCode === 500 && /no such container/i.test(engineWords(error));
}

const GONE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EPROTO']);

const LAYERS = [
  'Error response from daemon',
  'failed to create (?:shim )?task(?: for container)?',
  'OCI runtime create failed',
  'container create',
  'runc|crun|runc create failed',
  'unable to start container process',
];
const WRAPPED = new RegExp(`^(?:(?:${LAYERS.join('|')}): )+`, 'i');

/** What the engine itself says, in one line, without what wraps it. */
export function engineWords(error: unknown): string {
  const said = isRefusal(error) ? messageIn(error.json) : undefined;
  const message = said ?? (error instanceof Error ? error.message : String(error));
  const words = message
    .replace(/^\(HTTP code \d+\) [\w ]+ - /, '')
    .replace(/\s+/g, ' ')
    // The layers through which an engine passes on what its runtime said.
    .replace(WRAPPED, '')
    .replace(/ \([0-9a-f]{64}\)/g, '')
    .replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1')
    // What follows the first sentence is advice for the command line.
    .replace(/^Conflict\. /, '')
    .replace(/(?<=[\w")])\. [A-Z].*$/, '')
    .replace(/(:\/\/)[^/@\s]+@/g, '$1')
    .replace(/: unknown$/, '')
    .trim();
  return words.length > 300 ? `${words.slice(0, 299)}…` : words || 'the engine gives no reason';
}

interface Known {
  readonly pattern: RegExp;
  readonly code?: CompanionErrorCode;
  readonly hint: string;
}

/** An engine has a status for everything and no code for anything: what has happened is only in its words. */
const KNOWN: readonly Known[] = [
  {
    pattern: /port is already allocated|address already in use|ports are not available/i,
    code: 'COMPANION_PORT_UNAVAILABLE',
    hint: 'Another program has that port: choose another one, or leave the host port away.',
  },
  {
    pattern: /no such image|image not known/i,
    code: 'COMPANION_IMAGE_UNAVAILABLE',
    hint: "See `docker images` for those that are there, or allow to pull it (pull: 'missing').",
  },
  {
    pattern: /bind source path does not exist|statfs .*: no such file/i,
    hint: 'Create the directory first; on an engine of another machine, it must exist there.',
  },
  {
    pattern: /no space left on device/i,
    hint: 'See `docker system df`, and make room with `docker system prune`.',
  },
  {
    pattern: /memory limit/i,
    hint: 'Allow more memory: engines have a least value, and a container needs more than that.',
  },
  {
    pattern: /name .* is already in use/i,
    hint: 'Another container has that name: give this companion another one, or remove that container.',
  },
  {
    pattern: /network .*not found|unable to find network|no such network/i,
    hint: 'See `docker network ls` for those that there are.',
  },
  {
    pattern: /client version [\d.]+ is too (?:new|old)/i,
    hint: 'Unset DOCKER_API_VERSION: the version is negotiated.',
  },
];

function hintOfStatus(error: unknown): string | undefined {
  if (!isRefusal(error)) return undefined;
  const { statusCode } = error;
  if (statusCode === 401 || statusCode === 403) {
    return 'A proxy or a plugin in front of the engine does not allow it: ask who runs that engine.';
  }
  return statusCode >= 500 ? "See the engine's log (`journalctl -u docker`)." : undefined;
}

function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && typeof (error as Partial<Refusal>).statusCode === 'number';
}

function messageIn(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null || !('message' in json)) return undefined;
  return typeof json.message === 'string' && json.message !== '' ? json.message : undefined;
}
