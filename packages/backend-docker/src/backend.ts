import { type Backend, SPEC_VERSION } from '@companion/core/backend';
import { DockerEnvironment } from './environment.js';
import { checkedOptions } from './options.js';

/** Runs tools in containers, of Docker or of anything that speaks its API. Registering it loads next to nothing. */
export const dockerBackend: Backend = {
  spec: SPEC_VERSION,
  name: 'docker',
  priority: 300,
  capabilities: {
    filesystem: 'bound', // or copied, for an engine on another machine
    network: 'private',
    processes: 'private',
    user: true,
    signals: true,
    killTree: true,
    descendants: true,
    tty: true,
    limits: true,
    networkNone: true,
    ownerDeath: 'killed',
  },
  async detect(request, options) {
    if (request.image === undefined) {
      return { available: false, reason: 'no image is given', hint: 'Pass the option `image`.' };
    }
    const { detectEngine } = await import('./detect.js');
    return await detectEngine(request, options);
  },
  checkOptions: (options) => void checkedOptions(options),
  create: (request) => new DockerEnvironment(request),
  async existing(options) {
    const { existingEnvironments } = await import('./leftovers/existing.js');
    return await existingEnvironments(options);
  },
};

// Whoever imports this has its options, too.
export type {
  DockerOptions,
  NetworkOptions,
  PublishOptions,
  TmpfsOptions,
} from './options.js';
