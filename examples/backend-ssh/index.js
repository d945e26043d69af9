import { registerBackend } from '@companion/core';
import { sshBackend } from './backend.js';

registerBackend(sshBackend);

export { sshBackend };
