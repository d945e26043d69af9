import { type Backend, SPEC_VERSION } from '@companion/core/backend';
import { NixEnvironment } from './environment.js';
import { checkedOptions } from './options.js';

/** Runs tools on the host in the dev shell of a Nix flake. Registering it loads next to nothing. */
export const nixBackend: Backend = {
  spec: SPEC_VERSION,
  name: 'nix',
  priority: 200,
  capabilities: {
    filesystem: 'shared',
    network: 'shared',
    processes: 'shared',
    user: false,
    signals: true,
    killTree: true,
    descendants: true,
    // As on the local backend.
    tty: process.platform === 'linux',
    limits: false,
    networkNone: false,
    ownerDeath: 'killed',
  },
  async detect(request, options) {
    const { detectNix } = await import('./detect.js');
    return await detectNix(request, checkedOptions(request.backendOptions), options);
  },
  checkOptions: (options) => void checkedOptions(options),
  create: (request) => new NixEnvironment(request),
};

// Whoever imports this has its options, too.
export type { NixOptions } from './options.js';
