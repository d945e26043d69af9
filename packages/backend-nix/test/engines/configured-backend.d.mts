import type { Backend } from '@companion/core/backend';

export const configuredBackend: Backend;
