import type { EnvironmentRequest } from '@companion/core/backend';
import type { NixOptions } from '../src/options.js';

/** What core asks of a backend when nothing but the source directory is said. */
export function request(sourceDir: string, backendOptions?: NixOptions): EnvironmentRequest {
  return {
    id: '0123456789ab',
    name: 'test',
    sourceDir,
    workspaceDir: '/workspace',
    workDir: sourceDir,
    image: undefined,
    mounts: [],
    ports: [],
    env: {},
    hostEnv: {},
    user: 'host',
    limits: undefined,
    network: 'default',
    main: undefined,
    reuse: false,
    backendOptions,
    emit: () => {},
  };
}
