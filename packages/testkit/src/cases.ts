import type { ConformanceCase } from './case.js';
import { argumentsCases } from './cases/arguments.js';
import { cancellationCases } from './cases/cancellation.js';
import { concurrencyCases } from './cases/concurrency.js';
import { descendantsCases } from './cases/descendants.js';
import { detectionCases } from './cases/detection.js';
import { environmentVariablesCases } from './cases/environment-variables.js';
import { exitStatusCases } from './cases/exit-status.js';
import { lifecycleCases } from './cases/lifecycle.js';
import { limitsCases } from './cases/limits.js';
import { networkCases } from './cases/network.js';
import { ownerDeathCases } from './cases/owner-death.js';
import { pathsCases } from './cases/paths.js';
import { portsCases } from './cases/ports.js';
import { redactionCases } from './cases/redaction.js';
import { signalsCases } from './cases/signals.js';
import { stdinCases } from './cases/stdin.js';
import { streamsCases } from './cases/streams.js';
import { terminalsCases } from './cases/terminals.js';
import { usersCases } from './cases/users.js';
import { REVISION } from './revision.js';

/** Every case, by id. */
export const conformanceCases: readonly ConformanceCase[] = listOf({
  arguments: argumentsCases,
  cancellation: cancellationCases,
  concurrency: concurrencyCases,
  descendants: descendantsCases,
  detection: detectionCases,
  'environment-variables': environmentVariablesCases,
  'exit-status': exitStatusCases,
  lifecycle: lifecycleCases,
  limits: limitsCases,
  network: networkCases,
  'owner-death': ownerDeathCases,
  paths: pathsCases,
  ports: portsCases,
  redaction: redactionCases,
  signals: signalsCases,
  stdin: stdinCases,
  streams: streamsCases,
  terminals: terminalsCases,
  users: usersCases,
});

/**
 * The cases of all areas, sorted by id.
 *
 * @throws Error for an id that is used twice, is not of its area, or is newer than the list.
 */
export function listOf(
  areas: Readonly<Record<string, readonly ConformanceCase[]>>,
): readonly ConformanceCase[] {
  const list: ConformanceCase[] = [];
  const ids = new Set<string>();
  for (const [area, cases] of Object.entries(areas)) {
    for (const one of cases) {
      const { id, since } = one;
      if (!/^[a-z][a-z-]*\.[a-z0-9][a-z0-9-]*$/.test(id) || !id.startsWith(`${area}.`)) {
        throw new Error(`the id of a case in ${area} is ${area}.<rule>, got ${id}`);
      }
      if (ids.has(id)) throw new Error(`two cases have the id ${id}`);
      if (!Number.isInteger(since) || since < 1 || since > REVISION) {
        throw new Error(`${id}: since is 1 to ${REVISION}, got ${since}`);
      }
      ids.add(id);
      list.push(one);
    }
  }
  return Object.freeze(list.sort((a, b) => (a.id < b.id ? -1 : 1)));
}
