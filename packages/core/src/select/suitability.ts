import type { Capabilities } from '../backend.js';
import type { Requirements } from '../options.js';
import { isOwnUser } from '../process/command-plan.js';
import type { Settings } from '../settings.js';

/** What of a companion's settings a backend with these capabilities cannot honour; `null` when it can do it all. */
export function whyUnsuitable(settings: Settings, capabilities: Capabilities): string | null {
  const { mounts, limits, network, user } = settings;
  if (capabilities.filesystem === 'shared') {
    const mount = mounts.find((candidate) => candidate.readOnly || candidate.strict);
    if (mount !== undefined) {
      const what = mount.readOnly ? 'readOnly' : 'strict';
      return `it shares the host's filesystem, so the ${what} mount of ${mount.hostPath} cannot be made`;
    }
  }
  if (limits !== undefined && !capabilities.limits) return 'it cannot enforce limits';
  if (network === 'none' && !capabilities.networkNone) return 'it cannot take the network away';
  if (typeof user === 'object' && !capabilities.user) {
    const same = capabilities.filesystem === 'shared' && isOwnUser(user);
    if (!same) return `it cannot run processes as uid ${user.uid}, gid ${user.gid}`;
  }
  return null;
}

/** What a machine can make of a capability. */
const LOWERED: ReadonlyMap<unknown, unknown> = new Map<unknown, unknown>([
  [true, false],
  ['bound', 'copied'],
  ['killed', 'survives'],
]);

/** Whether a backend that declares `declared` may find on its machine that it has `found`. */
export function isWithin(declared: unknown, found: unknown): boolean {
  return found === declared || found === LOWERED.get(declared);
}

/**
 * Which requirement the capabilities miss; `null` when none. `atBest`: they are those that the backend declares, and its
 * machine may lower them to what is required.
 */
export function whyUnmet(requires: Requirements, capabilities: Capabilities, atBest = false): string | null {
  for (const [key, wanted] of Object.entries(requires)) {
    if (wanted === undefined) continue;
    const values: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
    const has = capabilities[key as keyof Capabilities];
    if (values.some((value) => (atBest ? isWithin(has, value) : value === has))) continue;
    return `requires ${key} ${values.join(' or ')}, it has ${has}`;
  }
  return null;
}
