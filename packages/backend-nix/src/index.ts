import { registerBackend } from '@companion/core';
import { nixBackend } from './backend.js';

registerBackend(nixBackend);

export type { NixOptions } from './options.js';
export { nixBackend };
