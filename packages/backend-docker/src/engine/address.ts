import { CompanionError } from '@companion/core';
import type { Transport } from './endpoint.js';
import { parseSshTarget } from './ssh-target.js';

/** Where the docker command looks when nothing has been said. */
export const DEFAULT_ADDRESS =
  process.platform === 'win32' ? 'npipe:////./pipe/docker_engine' : 'unix:///var/run/docker.sock';
export const DEFAULT_TLS_ADDRESS = 'tcp://localhost:2376';
const DEFAULT_PORT = 2375;

/**
 * Reads an address as the docker command of today reads DOCKER_HOST (opts/hosts.go of docker/cli): a path without a
 * scheme is a socket, other words without one are host and port, a scheme may stand there twice.
 *
 * @param origin who has said it, for the error
 */
export function parseAddress(text: string, origin: string): { address: string; transport: Transport } {
  const [, scheme = /^\.?\//.test(text) ? 'unix' : 'tcp', rest = ''] =
    /^(?:([\w+.-]*):\/\/)?(?:\1:\/\/)?(.*)$/s.exec(text) ?? [];
  const refused = (problem: string, hint: string): CompanionError =>
    new CompanionError('COMPANION_NO_BACKEND', `${origin} is no address of an engine: ${problem}`, { hint });
  // A second scheme, as in unix://unix:///path, is a slip of the hand that would become a strange path.
  if (rest.includes('://')) throw refused('it has two schemes', 'Write it like unix:///var/run/docker.sock.');
  switch (scheme) {
    case 'unix':
    case 'npipe': {
      const path = rest || DEFAULT_ADDRESS.replace(/^\w+:\/\//, '');
      return { address: `${scheme}://${path}`, transport: { kind: 'socket', path } };
    }
    case 'tcp': {
      const transport = parseTcp(rest);
      if (transport === undefined) throw refused('it has no host and port', 'Write it like tcp://host:2376.');
      const host = transport.host.includes(':') ? `[${transport.host}]` : transport.host;
      return { address: `tcp://${host}:${transport.port}${transport.basePath}`, transport };
    }
    case 'ssh': {
      const target = parseSshTarget(rest);
      if (typeof target === 'string') throw refused(target, 'Write it like ssh://user@host:22.');
      return { address: text, transport: { kind: 'ssh', ...target } };
    }
    default:
      throw refused(
        `the scheme ${scheme}:// is not known`,
        'Known are unix://, tcp://, ssh:// and, on Windows, npipe://.',
      );
  }
}

function parseTcp(rest: string): (Transport & { kind: 'tcp' }) | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:/?#@[\]]*))(?::(\d*))?(\/[^?#]*)?$/.exec(rest);
  if (parts === null) return undefined;
  const [, bracketed, plain, digits, path = ''] = parts;
  const port = digits ? Number(digits) : DEFAULT_PORT;
  if (port < 1 || port > 65_535 || /\s/.test(rest)) return undefined;
  return { kind: 'tcp', host: bracketed || plain || 'localhost', port, basePath: path.replace(/\/+$/, '') };
}
