import { readFile } from 'node:fs/promises';
import type { Limits } from '@companion/core/backend';

export type Limit = keyof Limits;

const CGROUPS = '/sys/fs/cgroup';
const CONTROLLERS: readonly (readonly [Limit, controller: string])[] = [
  ['memoryBytes', 'memory'],
  ['cpus', 'cpu'],
  ['processes', 'pids'],
];

/**
 * What an engine without root's rights cannot enforce: in version 1 of control groups anything, in version 2 that whose
 * controller systemd has not given to its user (systemd.resource-control(5), `Delegate`). Where it is not systemd that
 * gives them, nobody knows before the engine has been asked.
 */
export async function notDelegated(uid: number, cgroups = CGROUPS): Promise<readonly Limit[]> {
  if ((await wordsOf(`${cgroups}/cgroup.controllers`)) === undefined)
    return CONTROLLERS.map(([limit]) => limit);
  const own = await wordsOf(`${cgroups}/user.slice/user-${uid}.slice/user@${uid}.service/cgroup.controllers`);
  return CONTROLLERS.flatMap(([limit, name]) => (own === undefined || own.includes(name) ? [] : [limit]));
}

async function wordsOf(path: string): Promise<readonly string[] | undefined> {
  return await readFile(path, 'utf8').then(
    (text) => text.trim().split(/\s+/),
    () => undefined,
  );
}
