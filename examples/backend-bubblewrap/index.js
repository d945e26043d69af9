import { registerBackend } from '@companion/core';
import { bubblewrapBackend } from './backend.js';

registerBackend(bubblewrapBackend);

export { bubblewrapBackend };
