import { createHash } from 'node:crypto';
import type { Backend, CompanionEvent, EnvironmentRequest } from './backend.js';
import { MountTable } from './paths.js';
import { definedVariables, hostVariables } from './process/environment-variables.js';
import type { Settings } from './settings.js';

/**
 * What one backend is asked for. Made per backend, because `workDir` is already translated where the filesystem is
 * shared and `backendOptions` are the backend's own.
 */
export function environmentRequest(
  settings: Settings,
  backend: Backend,
  emit: (event: CompanionEvent) => void,
  ports: EnvironmentRequest['ports'] = settings.ports,
): EnvironmentRequest {
  const mountTable = new MountTable(settings, settings.mounts, backend.capabilities.filesystem);
  const parts = {
    name: settings.name,
    sourceDir: settings.sourceDir,
    workspaceDir: settings.workspaceDir,
    workDir: mountTable.directoryInside([settings.workspaceDir, settings.workDir]).path,
    image: settings.image,
    mounts: Object.freeze([...settings.mounts]),
    ports: Object.freeze([...ports]),
    env: Object.freeze(definedVariables(settings.env)),
    hostEnv: Object.freeze(hostVariables(settings.hostEnv)),
    user: settings.user,
    limits: settings.limits,
    network: settings.network,
    main: settings.pause
      ? undefined
      : Object.freeze({ entrypoint: settings.entrypoint, command: settings.command }),
    backendOptions: settings.backendOptions[backend.name],
  } satisfies Omit<EnvironmentRequest, 'id' | 'reuse' | 'emit'>;
  return Object.freeze({
    ...parts,
    id: settings.id,
    reuse: settings.reuse
      ? Object.freeze({ fingerprint: fingerprint({ ...parts, ports: settings.ports }) })
      : false,
    emit,
  });
}

/**
 * Two requests with the same fingerprint want the same environment; "any free port" stands for itself. Holds no value in
 * clear.
 */
function fingerprint(parts: Omit<EnvironmentRequest, 'id' | 'reuse' | 'emit'>): string {
  // A container never takes hostEnv, and it differs from shell to shell.
  const { hostEnv: _hostEnv, ...relevant } = parts;
  return createHash('sha256')
    .update(JSON.stringify(sortKeys(relevant)))
    .digest('hex');
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}
