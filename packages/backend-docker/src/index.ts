import { registerBackend } from '@companion/core';
import { dockerBackend } from './backend.js';

registerBackend(dockerBackend);

export type { DockerOptions, NetworkOptions, PublishOptions, TmpfsOptions } from './options.js';
export { dockerBackend };
