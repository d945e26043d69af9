import { type Backend, type Detection, type EnvironmentRequest, SPEC_VERSION } from '@companion/core/backend';
import { HostEnvironment, mainCommand } from './environment.js';

const isWindows = process.platform === 'win32';

/** Runs processes on this machine, without isolation. Always available. */
export const localBackend: Backend = Object.freeze({
  spec: SPEC_VERSION,
  name: 'local',
  priority: 100,
  capabilities: Object.freeze({
    filesystem: 'shared',
    network: 'shared',
    processes: 'shared',
    user: false,
    // Windows can only terminate.
    signals: !isWindows,
    killTree: true,
    descendants: !isWindows,
    tty: false,
    limits: false,
    networkNone: false,
    ownerDeath: isWindows ? 'survives' : 'killed',
  } as const),
  detect,
  create: (request: EnvironmentRequest) => new HostEnvironment(request),
});

async function detect(request: EnvironmentRequest): Promise<Detection> {
  if (request.main !== undefined && mainCommand(request.main) === undefined) {
    return {
      available: false,
      reason: 'pause is false, and there is no image that could say what to run',
      hint: 'Pass the option `command`.',
    };
  }
  const detail = `${process.platform} ${process.arch}, Node ${process.version}`;
  if (localBackend.capabilities.ownerDeath === 'survives') return { available: true, detail };
  const { watchdogAvailable } = await import('./owner-death.js');
  if (watchdogAvailable()) return { available: true, detail };
  return { available: true, detail: `${detail}, no sh or grep`, lowered: { ownerDeath: 'survives' } };
}
