import { type Backend, SPEC_VERSION } from '@companion/core/backend';
import { findEngine } from './engine/find-engine.js';
import { DockerEnvironment } from './environment.js';
import { existingEnvironments } from './leftovers/existing.js';
import { checkedOptions } from './options.js';

/** Runs tools in containers, of Docker or of anything that speaks its API. */
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
  async detect({ image, backendOptions }, { signal }) {
    if (image === undefined) {
      return { available: false, reason: 'no image is given', hint: 'Pass the option `image`.' };
    }
    const answer = await findEngine(checkedOptions(backendOptions), { signal });
    if (!answer.available) return answer;
    const { kind, version, endpoint, filesystemIsShared } = answer;
    return {
      available: true,
      detail: `${kind === 'podman' ? 'Podman' : 'Docker'} ${version} at ${endpoint.address} (${endpoint.origin})`,
      lowered: filesystemIsShared ? {} : { filesystem: 'copied' },
    };
  },
  create: (request) => new DockerEnvironment(request),
  existing: existingEnvironments,
};

// Whoever imports this has its options, too.
export type {
  DockerOptions,
  NetworkOptions,
  PublishOptions,
  TmpfsOptions,
} from './options.js';
