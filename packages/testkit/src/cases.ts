import type { ConformanceCase } from './case.js';
import { argumentsCases } from './cases/arguments.js';
import { cancellationCases } from './cases/cancellation.js';
import { concurrencyCases } from './cases/concurrency.js';
import { descendantsCases } from './cases/descendants.js';
import { detectionCases } from './cases/detection.js';
import { detectionChoiceCases } from './cases/detection-choice.js';
import { environmentVariablesCases } from './cases/environment-variables.js';
import { exitStatusCases } from './cases/exit-status.js';
import { lifecycleCases } from './cases/lifecycle.js';
import { lifecycleEndCases } from './cases/lifecycle-end.js';
import { lifecycleMainCases } from './cases/lifecycle-main.js';
import { lifecycleStartCases } from './cases/lifecycle-start.js';
import { limitsCases } from './cases/limits.js';
import { networkCases } from './cases/network.js';
import { ownerDeathCases } from './cases/owner-death.js';
import { pathsCases } from './cases/paths.js';
import { pathsCopiesCases } from './cases/paths-copies.js';
import { pathsMountsCases } from './cases/paths-mounts.js';
import { portsCases } from './cases/ports.js';
import { portsConflictsCases } from './cases/ports-conflicts.js';
import { portsReadinessCases } from './cases/ports-readiness.js';
import { processesCases } from './cases/processes.js';
import { redactionCases } from './cases/redaction.js';
import { signalsCases } from './cases/signals.js';
import { stdinCases } from './cases/stdin.js';
import { streamsCases } from './cases/streams.js';
import { streamsFlowCases } from './cases/streams-flow.js';
import { terminalsCases } from './cases/terminals.js';
import { usersCases } from './cases/users.js';
import { REVISION } from './revision.js';

/** By the file in `src/cases` in which they are written down. */
const files: Readonly<Record<string, readonly ConformanceCase[]>> = {
  arguments: argumentsCases,
  cancellation: cancellationCases,
  concurrency: concurrencyCases,
  descendants: descendantsCases,
  detection: detectionCases,
  'detection-choice': detectionChoiceCases,
  'environment-variables': environmentVariablesCases,
  'exit-status': exitStatusCases,
  lifecycle: lifecycleCases,
  'lifecycle-end': lifecycleEndCases,
  'lifecycle-main': lifecycleMainCases,
  'lifecycle-start': lifecycleStartCases,
  limits: limitsCases,
  network: networkCases,
  'owner-death': ownerDeathCases,
  paths: pathsCases,
  'paths-copies': pathsCopiesCases,
  'paths-mounts': pathsMountsCases,
  ports: portsCases,
  'ports-conflicts': portsConflictsCases,
  'ports-readiness': portsReadinessCases,
  processes: processesCases,
  redaction: redactionCases,
  signals: signalsCases,
  stdin: stdinCases,
  streams: streamsCases,
  'streams-flow': streamsFlowCases,
  terminals: terminalsCases,
  users: usersCases,
};

/** Every case, by id. */
export const conformanceCases: readonly ConformanceCase[] = listOf(files);

const sources: ReadonlyMap<string, string> = new Map(
  Object.entries(files).flatMap(([file, cases]) =>
    cases.map(({ id }) => [id, `src/cases/${file}.ts`] as const),
  ),
);

/** Where a case, or a check of the run as a whole, is written down inside this package. */
export function sourceOf(id: string): string {
  return sources.get(id) ?? 'src/suite.ts';
}

/**
 * The cases of all files, sorted by id. A file is called as its area, or begins so: `lifecycle`, `lifecycle-end`.
 *
 * @throws Error for an id that is used twice, is not of its file's area, or is newer than the list.
 */
export function listOf(
  files: Readonly<Record<string, readonly ConformanceCase[]>>,
): readonly ConformanceCase[] {
  const list: ConformanceCase[] = [];
  const ids = new Set<string>();
  for (const [file, cases] of Object.entries(files)) {
    for (const one of cases) {
      const { id, since } = one;
      const area = /^([a-z][a-z-]*)\.[a-z0-9][a-z0-9-]*$/.exec(id)?.[1];
      if (area === undefined || !`${file}-`.startsWith(`${area}-`)) {
        throw new Error(
          `the id of a case in ${file} is <area>.<rule>, with the area that the file is called by, got ${id}`,
        );
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
