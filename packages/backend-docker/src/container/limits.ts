import { CompanionError } from '@companion/core';
import type { Limits } from '@companion/core/backend';
import type Dockerode from 'dockerode';
import type { HostConfig } from 'dockerode';

/** Besides what is asked for, two run: the supervisor, and the keeper of the first program. */
const OWN_PROCESSES = 2;

export const LIMITS_HINT =
  'Its kernel lacks the control group for it, or the engine is rootless without delegation: leave the limit out.';

export function limitSettings(
  limits: Limits | undefined,
): Pick<HostConfig, 'Memory' | 'MemorySwap' | 'NanoCpus' | 'PidsLimit'> {
  const { memoryBytes, cpus, processes } = limits ?? {};
  return {
    // What does not fit must not go to the disk instead.
    ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    ...(processes === undefined ? {} : { PidsLimit: processes + OWN_PROCESSES }),
  };
}

/**
 * An engine discards a limit that its kernel cannot enforce, and warns of it, which nobody sees.
 *
 * @throws `COMPANION_UNSUPPORTED` for one that it has not taken
 */
export async function checkLimits(container: Dockerode.Container, limits: Limits | undefined): Promise<void> {
  const wanted = limitSettings(limits);
  if (Object.keys(wanted).length === 0) return;
  const { HostConfig: taken } = await container.inspect();
  const names = { Memory: 'memoryBytes', NanoCpus: 'cpus', PidsLimit: 'processes' } as const;
  for (const [setting, name] of Object.entries(names) as [keyof typeof names, string][]) {
    if (wanted[setting] === undefined || wanted[setting] === taken[setting]) continue;
    throw new CompanionError('COMPANION_UNSUPPORTED', `the engine cannot enforce limits.${name}`, {
      hint: LIMITS_HINT,
    });
  }
}
