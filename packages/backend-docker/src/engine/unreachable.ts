import type { Endpoint } from './endpoint.js';
import { SshError } from './ssh-connection.js';

export interface Unreachable {
  /** What follows the endpoint in a sentence: "refuses connections: …". */
  readonly problem: string;
  readonly hint: string;
}

/** Why an endpoint cannot be reached, from what node:net, node:tls and ssh(1) throw. */
export function explainUnreachable(endpoint: Endpoint, error: unknown): Unreachable {
  const cause = rootOf(error);
  if (cause instanceof SshError) return explainSsh(cause);
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
  const known = endpoint.transport.kind === 'socket' ? explainSocket(endpoint, code) : explainPort(code);
  const words = cause instanceof Error ? cause.message : String(cause);
  return (
    known ?? {
      problem: `cannot be reached: ${words}`,
      hint: 'See whether the engine runs and answers `docker version`.',
    }
  );
}

/** A host with several addresses fails with one error for each; of a cause only the last link says what happened. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  if (
    error instanceof Error &&
    error.cause instanceof Error &&
    (error as NodeJS.ErrnoException).code === undefined
  ) {
    return rootOf(error.cause);
  }
  return error;
}

function explainSocket({ address }: Endpoint, code: string): Unreachable | undefined {
  const podman = /podman/.test(address);
  const start = podman
    ? 'Start it: `systemctl --user start podman.socket`, or `podman machine start`.'
    : 'Start it: Docker Desktop, `colima start`, or `sudo systemctl start docker`.';
  switch (code) {
    case 'ENOENT':
      return { problem: 'does not exist', hint: start };
    case 'ENOTDIR':
    case 'ENOTSOCK':
      return { problem: 'is no socket', hint: 'Name the socket that the engine listens on.' };
    case 'ECONNREFUSED':
      return { problem: 'is a socket on which nobody listens: its engine has ended', hint: start };
    case 'EACCES':
    case 'EPERM':
      return {
        problem: 'may not be used by this user',
        hint: podman
          ? "Use the user's own engine: `systemctl --user start podman.socket`; that socket is for root."
          : 'Add the user to the group of the socket (`sudo usermod -aG docker $USER`, then log in anew), or use a rootless engine.',
      };
    case 'EPIPE':
    case 'ECONNRESET':
      return {
        problem: 'hangs up',
        hint: 'See whether the engine is just starting, and what its log says.',
      };
    default:
      return undefined;
  }
}

function explainPort(code: string): Unreachable | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return {
        problem: 'refuses connections',
        hint: 'See whether the engine runs there and listens on that port.',
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { problem: 'names a host that is not known', hint: 'See whether the name is right.' };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return {
        problem: 'cannot be reached from here',
        hint: 'See whether that machine runs and the network leads there.',
      };
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return {
        problem: 'does not speak TLS',
        hint: 'Unset DOCKER_TLS_VERIFY and DOCKER_TLS, or name the port that does (mostly 2376).',
      };
    case 'EPIPE':
    case 'ECONNRESET':
      return {
        problem: 'hangs up',
        hint: 'Perhaps it wants TLS, or a certificate: see DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.',
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        problem: 'shows a certificate for another host',
        hint: 'Use a host name that stands in the certificate, or have one made for this name.',
      };
    case 'CERT_HAS_EXPIRED':
      return {
        problem: 'shows a certificate that has expired',
        hint: 'Have new certificates made for the engine.',
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return {
        problem: 'shows a certificate that ca.pem does not vouch for',
        hint: "Put the engine's authority into ca.pem (DOCKER_CERT_PATH, or the context's TLS material).",
      };
  }
  // The engine's alert about the certificate that it was shown, or was not.
  if (/^ERR_SSL_.*(CERTIFICATE|UNKNOWN_CA)/.test(code)) {
    return {
      problem: 'does not accept the certificate that it is shown',
      hint: "See cert.pem and key.pem: they must be signed by the engine's authority and not have expired.",
    };
  }
  return undefined;
}

function explainSsh({ code, exitCode, complaint, message }: SshError): Unreachable {
  if (code === 'ENOENT')
    return { problem: 'needs ssh, which is not installed', hint: 'Install the OpenSSH client.' };
  const hint = SSH_HINTS.find(([pattern]) => pattern.test(complaint))?.[1];
  if (exitCode === 127) {
    return {
      problem: 'is a machine without the docker command',
      hint: 'Install the docker client there, in the PATH of a login without a terminal; it also passes on to Podman (ssh://host/path/of/podman.sock).',
    };
  }
  if (exitCode === 255) {
    return {
      problem: `cannot be reached: ${message}`,
      hint: hint ?? 'See whether `ssh -o BatchMode=yes` reaches that machine.',
    };
  }
  return {
    problem: `cannot reach the engine there: ${message}`,
    hint: hint ?? 'See whether `docker version` works when called over ssh.',
  };
}

const SSH_HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    'The machine shows another key than before: find out why before you trust it.',
  ],
  [/Host key verification failed/, 'Call ssh with this machine once by hand, and compare its key.'],
  [/permission denied while trying to connect to the/i, 'Add the user to the group docker on that machine.'],
  [/Permission denied/, 'Load a key with ssh-add, or name one in ~/.ssh/config: nobody can be asked here.'],
  [/Connection refused/, 'No ssh server listens there: start it, or name its port.'],
  [/timed out|No route to host|Network is unreachable/, 'See whether the machine runs and can be reached.'],
  [/Could not resolve hostname/, 'See whether the name is right.'],
  [/Cannot connect to the Docker daemon/i, 'Start the engine on that machine.'],
];
