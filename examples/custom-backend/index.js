import { registerBackend } from '@companion/core';
import { plainBackend } from './backend.js';

registerBackend(plainBackend);

export { plainBackend };
