import { registerBackend } from '@companion/core';
import { templateBackend } from './backend.js';

registerBackend(templateBackend);

export { templateBackend };
