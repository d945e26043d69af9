import type { Backend } from '@companion/core/backend';

export declare const templateBackend: Backend;
