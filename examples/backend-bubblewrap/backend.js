import { SPEC_VERSION } from '@companion/core/backend';
import { whyUnavailable } from './detect.js';
import { BubblewrapEnvironment, mainCommand } from './environment.js';

/** @import { Backend } from '@companion/core/backend' */

/**
 * Runs processes in a sandbox on this machine: files, processes and network of their own, no daemon, no image, no
 * set-up. Linux with bubblewrap.
 *
 * @type {Backend}
 */
export const bubblewrapBackend = {
  spec: SPEC_VERSION,
  name: 'bubblewrap',
  priority: 150,
  capabilities: {
    filesystem: 'bound',
    network: 'private',
    processes: 'private',
    user: true, // for root alone: others have one user id to give
    signals: true,
    killTree: true,
    descendants: true,
    tty: true,
    limits: false,
    networkNone: true, // always
    ownerDeath: 'killed',
  },
  async detect({ main }, { signal }) {
    if (main !== undefined && mainCommand(main).length === 0) {
      const reason = 'pause is false, and there is no image that could say what to run';
      return { available: false, reason, hint: 'Pass the option `command`.' };
    }
    const why = await whyUnavailable(signal);
    if (why.version === undefined) return { available: false, ...why };
    const lowered = process.getuid() === 0 ? {} : { user: false };
    return { available: true, detail: why.version, lowered };
  },
  create: (request) => new BubblewrapEnvironment(request),
};
