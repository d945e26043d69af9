import { SPEC_VERSION } from '@companion/core/backend';
import { checkedOptions } from './connection.js';
import { askMachine } from './detect.js';
import { mainCommand, SshEnvironment } from './environment.js';

/** @import { Backend } from '@companion/core/backend' */

/**
 * Runs processes on another machine, through the system's ssh(1): files, processes and network of their own there. The
 * machine is named in `backendOptions.ssh`.
 *
 * @type {Backend}
 */
export const sshBackend = {
  spec: SPEC_VERSION,
  name: 'ssh',
  priority: 140,
  capabilities: {
    filesystem: 'copied',
    network: 'private',
    processes: 'private',
    user: true, // for whom the machine lets in as root: others have one user id to give
    signals: true,
    killTree: true,
    descendants: true,
    tty: true,
    limits: false,
    networkNone: true, // always
    ownerDeath: 'killed',
  },
  async detect({ main, backendOptions }, { signal }) {
    if (main !== undefined && mainCommand(main).length === 0) {
      const reason = 'pause is false, and there is no image that could say what to run';
      return { available: false, reason, hint: 'Pass the option `command`.' };
    }
    const { reason, hint, cause, detail, isRoot } = await askMachine(backendOptions, signal);
    if (reason !== undefined) return { available: false, reason, hint, cause };
    return { available: true, detail, lowered: isRoot ? {} : { user: false } };
  },
  checkOptions: checkedOptions,
  create: (request) => new SshEnvironment(request),
};
