import type { Mutant } from './mutant.js';
import { rooted } from './rooted.js';
import { wrap } from './wrap.js';

/** What core demands of such environments: there, and without effect. */
const pretended = {
  connect: () => Promise.reject(new Error('nothing listens')),
  copyIn: () => Promise.resolve(),
  copyOut: () => Promise.resolve(),
};

/**
 * Capabilities that are claimed and not there. The real backend does not have them, so that the cases do not apply to
 * it: what they are worth shows only where they fail.
 */
export const claimsMutants: readonly Mutant[] = [
  {
    id: 'claims/root-of-its-own',
    breaks: "It says that it has its own filesystem, and shares the host's.",
    failedBy: ['paths.mount-bound', 'paths.copy-anywhere', 'environment-variables.host-kept-out'],
    breaksEverything: true,
    backend: (real) => wrap(real, { capabilities: { filesystem: 'bound' }, environment: () => pretended }),
  },
  {
    id: 'claims/read-only-mounts',
    breaks: 'It says that mounts are its own, and those that are read-only can be written.',
    failedBy: ['paths.read-only-honoured'],
    backend: (real) => rooted(real),
  },
  {
    id: 'claims/processes-of-its-own',
    breaks: "It says that process ids are private, and shows the host's.",
    failedBy: ['processes.private'],
    backend: (real) => wrap(real, { capabilities: { processes: 'private' } }),
  },
  {
    id: 'claims/copies',
    breaks: "It says that files are copied, and shares the host's.",
    failedBy: ['paths.mount-copied', 'paths.copy-anywhere'],
    breaksEverything: true,
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
    backend: (real) =>
      wrap(real, { capabilities: { tty: true }, command: ({ tty: _tty, ...command }) => command }),
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
    id: 'claims/limits-without-a-word',
    breaks: 'A process that takes too much memory is said to have: it only fails.',
    failedBy: ['limits.memory'],
    backend: (real) =>
      wrap(real, {
        capabilities: { limits: true },
        // Or it would take all the memory of this machine.
        command: ({ file, args, ...command }) => ({
          ...command,
          file: 'sh',
          args: ['-c', 'ulimit -v 500000 && exec "$@"', 'sh', file, ...args],
        }),
      }),
  },
  {
    id: 'claims/every-kill-is-memory',
    breaks: 'Who is killed below the limit has not run out of memory: every SIGKILL is taken for that.',
    failedBy: ['limits.memory-unreached'],
    backend: (real) =>
      wrap(real, {
        capabilities: { limits: true },
        process: ({ exited }) => ({
          exited: exited.then((exit) => ({ ...exit, outOfMemory: exit.signal === 'SIGKILL' })),
        }),
      }),
  },
  {
    id: 'claims/no-network',
    breaks: 'It says that it can take the network away, and leaves it.',
    failedBy: ['network.none-honoured'],
    backend: (real) => wrap(real, { capabilities: { networkNone: true } }),
  },
  {
    id: 'claims/no-network-no-ports',
    breaks: 'Without a network the ports inside are reached all the same: nothing is carried to them.',
    failedBy: ['network.none-ports'],
    backend: (real) =>
      wrap(real, { capabilities: { networkNone: true, network: 'private' }, environment: () => pretended }),
  },
  {
    id: 'claims/survivors',
    breaks: 'It says that processes survive their owner, to be spared the case, and they do not.',
    failedBy: ['owner-death.survives'],
    backend: (real) => wrap(real, { capabilities: { ownerDeath: 'survives' } }),
  },
];
