import type { Detection } from '@companion/core/backend';
import type { LocalOptions } from './options.js';

/** That this machine can run processes, and which promises it cannot keep. */
export async function detectionHere(
  detail: string,
  { supervisor = true }: LocalOptions = {},
): Promise<Detection> {
  if (process.platform === 'win32') return { available: true, detail };
  const [{ usableSupervisor }, { watchdogAvailable }] = await Promise.all([
    import('./usable-supervisor.js'),
    import('./owner-death.js'),
  ]);
  const details = [detail];
  const lowered: { tty?: false; ownerDeath?: 'survives' } = {};
  if (process.platform === 'linux' && !(supervisor && usableSupervisor() !== undefined)) {
    details.push('without supervisor');
    lowered.tty = false;
  }
  // Also beside a supervisor: programs that inherit the standard input are started without it.
  if (!watchdogAvailable()) {
    details.push('no sh or grep');
    lowered.ownerDeath = 'survives';
  }
  const all = { available: true, detail: details.join(', ') } as const;
  return Object.keys(lowered).length === 0 ? all : { ...all, lowered };
}
