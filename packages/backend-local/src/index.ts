import { registerBackend } from '@companion/core';
import { localBackend } from './backend.js';

registerBackend(localBackend);

export type { LocalOptions } from './options.js';
export { localBackend };
