import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** What core demands of such environments: there, and without effect. */
const pretended = {
  connect: () => Promise.reject(new Error('nothing listens')),
  copyIn: () => Promise.resolve(),
  copyOut: () => Promise.resolve(),
};

/**
 * Capabilities that are claimed and not there. The real backend does not have them, so that the cases do not apply to
 * it: what they are worth shows only where they fail. `limits.memory` is left out: without a limit it takes all there is.
 */
export const claimsMutants: readonly Mutant[] = [
  {
    id: 'claims/root-of-its-own',
    breaks: "It says that it has its own filesystem, and shares the host's.",
    failedBy: [
      'paths.mount-bound',
      'paths.read-only-honoured',
      'paths.copy-anywhere',
      'environment-variables.host-kept-out',
    ],
    backend: (real) => wrap(real, { capabilities: { filesystem: 'bound' }, environment: () => pretended }),
  },
  {
    id: 'claims/copies',
    breaks: "It says that files are copied, and shares the host's.",
    failedBy: ['paths.mount-copied', 'paths.copy-anywhere'],
    backend: (real) => wrap(real, { capabilities: { filesystem: 'copied' }, environment: () => pretended }),
  },
  {
    id: 'claims/network-of-its-own',
    breaks: 'It says that its network is private, and carries no connection.',
    failedBy: ['ports.fixed', 'ports.private-inside', 'ports.same-port-private'],
    backend: (real) => wrap(real, { capabilities: { network: 'private' }, environment: () => pretended }),
  },
  {
    id: 'claims/terminals',
    breaks: 'It says that it has terminals, and gives pipes.',
    failedBy: ['terminals.streams', 'terminals.size', 'terminals.echo', 'terminals.interrupt'],
    backend: (real) => wrap(real, { capabilities: { tty: true } }),
  },
  {
    id: 'claims/users',
    breaks: 'It says that it can switch users, and ignores them.',
    failedBy: ['users.honoured'],
    backend: (real) => wrap(real, { capabilities: { user: true } }),
  },
  {
    id: 'claims/limits',
    breaks: 'It says that it enforces limits, and ignores them.',
    failedBy: ['limits.processes'],
    backend: (real) => wrap(real, { capabilities: { limits: true } }),
  },
  {
    id: 'claims/no-network',
    breaks: 'It says that it can take the network away, and leaves it.',
    failedBy: ['network.none-honoured'],
    backend: (real) => wrap(real, { capabilities: { networkNone: true } }),
  },
  {
    id: 'claims/survivors',
    breaks: 'It says that processes survive their owner, to be spared the case, and they do not.',
    failedBy: ['owner-death.survives'],
    backend: (real) => wrap(real, { capabilities: { ownerDeath: 'survives' } }),
  },
];
