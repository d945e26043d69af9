import { parseArray } from '../argument-checks.js';
import type { Abortable, Backend } from '../backend.js';
import type { CompanionRunner } from '../companion-runner.js';
import { createCompanion, explainSelection } from '../create-companion.js';
import { abortedError, CompanionError, messageOf } from '../errors.js';
import type { CompanionOptions } from '../options.js';
import type { BackendParity, Parity, ProbeParity, VersionAnswer } from '../parity.js';
import { inOrder, registeredBackends } from '../registry.js';
import type { CandidateReport } from '../select/select.js';
import { parseOptions } from '../settings.js';
import { answerOf } from './answer.js';
import { type CheckedProbe, type CheckedSettings, parseProbes, parseSettings } from './probes.js';
import { compareAnswers, describeVariants } from './variants.js';

/** A backend, and what its tools said in the order of the probes where it was compared. */
interface Examined {
  readonly backend: BackendParity;
  readonly answers: readonly VersionAnswer[];
}

/** {@link verifyParity}, loaded when it is called. */
export async function verify<Name extends string>(
  options: CompanionOptions,
  given: unknown,
  settings: unknown,
): Promise<Parity<Name>> {
  const probes = parseProbes(given);
  const checked = parseSettings(settings);
  const { signal } = checked;
  if (signal?.aborted) throw abortedError('verifyParity()', signal);
  const own = ownOptions(options);
  const candidates = await askEach(own, { signal }).catch((error: unknown) => {
    throw signal?.aborted ? abortedError('verifyParity()', signal) : error;
  });
  const examined = await Promise.all(candidates.map((candidate) => examine(candidate, own, probes, checked)));
  if (signal?.aborted) throw abortedAfter(examined, signal);
  return conclude<Name>(examined, probes, checked);
}

/** What decides which tools there are; not what is done with them. */
function ownOptions(options: CompanionOptions): CompanionOptions {
  parseOptions(options);
  const {
    preferredBackend: _preferredBackend,
    ports: _ports,
    pause: _pause,
    entrypoint: _entrypoint,
    command: _command,
    reuse: _reuse,
    ...own
  } = options;
  return { ...own, name: options.name ?? 'parity' };
}

/** By name, so that neither a preferred nor a higher one hides the others. By priority. */
async function askEach(options: CompanionOptions, abortable: Abortable): Promise<readonly CandidateReport[]> {
  const backends =
    options.backends === undefined ? registeredBackends() : parseArray<Backend>('backends', options.backends);
  const reports = await Promise.all(
    backends.map(
      async (backend) => await explainSelection({ ...options, preferredBackend: backend?.name }, abortable),
    ),
  );
  const byName = new Map(reports.flat().map((report) => [report.backend, withFallback(report, options)]));
  return inOrder(backends).flatMap(({ name }) => byName.get(name) ?? []);
}

/** A backend that was named serves without the image; one that nobody names does not where that is forbidden. */
function withFallback(report: CandidateReport, { image, fallback }: CompanionOptions): CandidateReport {
  const falls = image !== undefined && report.capabilities.filesystem === 'shared';
  if (report.verdict !== 'chosen' || fallback !== false || !falls) return report;
  const reason = 'it would run on the host without the image, and fallback is false';
  return { ...report, verdict: 'unsuitable', reason };
}

/** Never rejects, and leaves nothing. */
async function examine(
  { backend, verdict, reason, hint, detail }: CandidateReport,
  options: CompanionOptions,
  probes: readonly CheckedProbe[],
  settings: CheckedSettings,
): Promise<Examined> {
  const about = { backend, reason, hint, detail, error: undefined };
  if (verdict !== 'chosen') return { backend: { ...about, state: 'unavailable' }, answers: [] };
  let runner: CompanionRunner | undefined;
  const answers: VersionAnswer[] = [];
  let error: unknown;
  try {
    runner = await createCompanion({ ...options, preferredBackend: backend }, settings);
    await runner.init({ signal: settings.signal });
    for (const probe of probes) answers.push(await answerOf(runner, probe, settings));
  } catch (cause) {
    error = cause;
  }
  try {
    await runner?.shutdown();
  } catch (cause) {
    // What is left behind is worse than what went wrong before.
    error = cause;
  }
  if (error === undefined) return { backend: { ...about, state: 'compared' }, answers };
  const failure = error instanceof Error ? error : new Error(messageOf(error));
  const told = { reason: failure.message, hint: CompanionError.is(failure) ? failure.hint : undefined };
  return { backend: { ...about, ...told, state: 'failed', error: failure }, answers: [] };
}

function abortedAfter(examined: readonly Examined[], signal: AbortSignal): CompanionError {
  const left = examined.find(({ backend: { error } }) =>
    CompanionError.is(error, 'COMPANION_SHUTDOWN_FAILED'),
  )?.backend;
  if (left === undefined) return abortedError('verifyParity()', signal);
  const message = `verifyParity() was aborted, and cleaning up failed: ${left.reason}`;
  return new CompanionError('COMPANION_ABORTED', message, { cause: left.error, hint: left.hint });
}

function conclude<Name extends string>(
  examined: readonly Examined[],
  probes: readonly CheckedProbe[],
  { required }: CheckedSettings,
): Parity<Name> {
  const compared = examined.filter(({ backend }) => backend.state === 'compared');
  const results = probes.map((probe, index): readonly [string, ProbeParity] => {
    const answers = compared.flatMap(({ backend, answers }) => {
      const answer = answers[index];
      return answer === undefined ? [] : [[backend.backend, answer] as const];
    });
    return [probe.name, compareAnswers(probe, Object.fromEntries(answers))];
  });
  const backends = examined.map(({ backend }) => backend);
  const differences = [
    ...describeBackends(backends, required),
    ...results.flatMap(([name, result]) =>
      result.same || result.variants.length === 0 ? [] : [describeVariants(name, result)],
    ),
  ];
  return {
    same: differences.length === 0,
    differences,
    backends,
    probes: Object.fromEntries(results) as Record<Name, ProbeParity>,
  };
}

/** What of the backends stands in the way of a comparison. */
function describeBackends(
  backends: readonly BackendParity[],
  required: readonly string[],
): readonly string[] {
  const failed = backends.flatMap(({ backend, state, reason }) =>
    state === 'failed' ? [`${backend} failed: ${reason}`] : [],
  );
  const missing = required.flatMap((name) => {
    const found = backends.find(({ backend }) => backend === name);
    if (found === undefined) return [`${name} is required, and there is no such backend`];
    return found.state === 'unavailable' ? [`${name} is required, and not available: ${found.reason}`] : [];
  });
  const compared = backends.flatMap(({ backend, state }) => (state === 'compared' ? [backend] : []));
  if (compared.length >= 2) return [...failed, ...missing];
  const lone = compared.length === 0 ? 'no backend was compared' : `nothing to compare ${compared[0]} with`;
  return [...failed, ...missing, lone];
}
