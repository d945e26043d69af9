import { registerBackend } from '@companion/core';
import { localBackend } from './backend.js';

registerBackend(localBackend);

export { localBackend };
