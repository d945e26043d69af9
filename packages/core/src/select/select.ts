import { onAbort } from '../abort.js';
import type { Backend, Capabilities, CompanionEvent, EnvironmentRequest } from '../backend.js';
import { abortedError, CompanionError, messageOf } from '../errors.js';
import type { CompanionOptions } from '../options.js';
import { environmentRequest } from '../request.js';
import type { Settings } from '../settings.js';
import { candidatesFor } from './candidates.js';
import { noBackendError } from './no-backend.js';
import { loweredCapabilities, NOT_NEEDED, probe } from './probe.js';
import { whyUnmet, whyUnsuitable } from './suitability.js';

/** What became of one candidate. */
export interface CandidateReport {
  readonly backend: string;
  readonly priority: number;
  /**
   * `chosen`; `available`, but another one won; `unavailable` on this machine; `unsuitable` for these options;
   * `outranked` before it had answered.
   */
  readonly verdict: 'chosen' | 'available' | 'unavailable' | 'unsuitable' | 'outranked';
  readonly reason: string | undefined;
  readonly hint: string | undefined;
  /** What the backend found: an endpoint, a version. */
  readonly detail: string | undefined;
  /** On this machine where it said yes; else at best. */
  readonly capabilities: Capabilities;
  readonly durationMs: number;
}

/** Which backend a companion has, and why. */
export interface Selection {
  readonly backend: string;
  /** One clause. */
  readonly reason: string;
  /** An image was given, and a backend that shares this machine's filesystem serves without it. */
  readonly fellBack: boolean;
  /** What the backend found: an endpoint, a version. */
  readonly detail: string | undefined;
  /** By priority. */
  readonly candidates: readonly CandidateReport[];
}

export interface Selected {
  readonly backend: Backend;
  readonly capabilities: Capabilities;
  readonly selection: Selection;
}

interface Asked {
  readonly report: CandidateReport;
  readonly cause?: unknown;
}

/**
 * Asks all candidates at once and takes the highest one that says yes, as soon as all above it have said no.
 * Rejects with a `TypeError` of a backend's own options, `COMPANION_NO_BACKEND`, `COMPANION_UNSUPPORTED`, `COMPANION_INVALID_BACKEND` or `COMPANION_ABORTED`.
 */
export async function select(
  settings: Settings,
  options: CompanionOptions,
  emit: (event: CompanionEvent) => void,
  signal: AbortSignal | undefined,
): Promise<Selected> {
  if (signal?.aborted) throw abortedError('selection', signal);
  const { backends, preferredBy } = candidatesFor(options);
  checkOptions(backends, settings);
  const abort = new AbortController();
  const forget = onAbort(signal, () => abort.abort(signal?.reason));
  try {
    const asking = backends.map((backend) => ask(backend, settings, options, preferredBy, abort.signal));
    const asked: Asked[] = [];
    let chosen: number | undefined;
    for (const [index, answer] of asking.entries()) {
      asked.push(await answer);
      if (signal?.aborted) throw abortedError('selection', signal);
      if (asked[index]?.report.verdict !== 'available') continue;
      chosen = index;
      break;
    }
    // Those that are still thinking are told to stop.
    abort.abort();
    for (const answer of asking.slice(asked.length)) asked.push(outranked(await answer));
    return conclude(backends, asked, chosen, settings, preferredBy, emit);
  } finally {
    abort.abort();
    forget();
  }
}

/** Every candidate's full answer; nothing is cut short and nothing is started. */
export async function askAll(
  settings: Settings,
  options: CompanionOptions,
  signal: AbortSignal | undefined,
): Promise<readonly CandidateReport[]> {
  if (signal?.aborted) throw abortedError('explainSelection()', signal);
  const { backends, preferredBy } = candidatesFor(options);
  checkOptions(backends, settings);
  const never = signal ?? new AbortController().signal;
  const asked = await Promise.all(
    backends.map((backend) => ask(backend, settings, options, preferredBy, never)),
  );
  if (signal?.aborted) throw abortedError('explainSelection()', signal);
  const chosen = asked.findIndex(({ report }) => report.verdict === 'available');
  return asked.map(({ report }, index) => (index === chosen ? { ...report, verdict: 'chosen' } : report));
}

function checkOptions(backends: readonly Backend[], { backendOptions }: Settings): void {
  for (const backend of backends) {
    const options = backendOptions[backend.name];
    if (options !== undefined) backend.checkOptions?.(options);
  }
}

async function ask(
  backend: Backend,
  settings: Settings,
  options: CompanionOptions,
  preferredBy: string | undefined,
  signal: AbortSignal,
): Promise<Asked> {
  const { name, priority, capabilities } = backend;
  const base = { backend: name, priority, hint: undefined, detail: undefined, capabilities };
  const outBefore = whyOut(capabilities, settings, options, preferredBy, true);
  if (outBefore !== null) {
    return { report: { ...base, verdict: 'unsuitable', reason: outBefore, durationMs: 0 } };
  }
  const request = requestFor(backend, settings);
  if (request instanceof Error) {
    // What stands in the way of this candidate must not end the selection of the others.
    return {
      report: { ...base, verdict: 'unsuitable', reason: messageOf(request), durationMs: 0 },
      cause: request,
    };
  }
  const { detection, durationMs } = await probe(backend, request, signal);
  if (!detection.available) {
    const { reason, hint, cause } = detection;
    return { report: { ...base, verdict: 'unavailable', reason, hint, durationMs }, cause };
  }
  const lowered = loweredCapabilities(backend, detection);
  const out = whyOut(lowered, settings, options, preferredBy);
  const verdict = out === null ? 'available' : 'unsuitable';
  const { detail } = detection;
  return {
    report: { ...base, verdict, reason: out ?? undefined, detail, capabilities: lowered, durationMs },
  };
}

function requestFor(backend: Backend, settings: Settings): EnvironmentRequest | CompanionError {
  try {
    return environmentRequest(settings, backend, () => {});
  } catch (error) {
    if (CompanionError.is(error)) return error;
    throw error;
  }
}

function whyOut(
  capabilities: Capabilities,
  settings: Settings,
  options: CompanionOptions,
  preferredBy: string | undefined,
  atBest = false,
): string | null {
  const unmet = whyUnmet(options.requires ?? {}, capabilities, atBest);
  if (unmet !== null) return unmet;
  const falls =
    settings.image !== undefined && capabilities.filesystem === 'shared' && preferredBy === undefined;
  if (falls && options.fallback === false) {
    return 'it would run on the host without the image, and fallback is false';
  }
  return whyUnsuitable(settings, capabilities);
}

/** A lower candidate that was told to stop, or whose answer came in time all the same. */
function outranked(asked: Asked): Asked {
  if (asked.report.verdict === 'unsuitable' || asked.report.reason !== NOT_NEEDED) return asked;
  return {
    ...asked,
    report: { ...asked.report, verdict: 'outranked', reason: 'a higher one was chosen first' },
  };
}

function conclude(
  backends: readonly Backend[],
  asked: readonly Asked[],
  chosen: number | undefined,
  settings: Settings,
  preferredBy: string | undefined,
  emit: (event: CompanionEvent) => void,
): Selected {
  const candidates = asked.map(({ report }, index) =>
    Object.freeze<CandidateReport>(index === chosen ? { ...report, verdict: 'chosen' } : report),
  );
  for (const {
    priority: _priority,
    capabilities: _capabilities,
    reason,
    hint,
    detail,
    ...rest
  } of candidates) {
    emit({
      topic: 'selection',
      type: 'candidate',
      ...rest,
      ...(reason === undefined ? {} : { reason }),
      ...(hint === undefined ? {} : { hint }),
      ...(detail === undefined ? {} : { detail }),
    });
  }
  const backend = chosen === undefined ? undefined : backends[chosen];
  const answer = chosen === undefined ? undefined : asked[chosen];
  if (backend === undefined || answer === undefined) throw nobody(asked, settings, preferredBy);
  const fellBack =
    preferredBy === undefined &&
    settings.image !== undefined &&
    answer.report.capabilities.filesystem === 'shared';
  const reason = reasonFor(candidates, preferredBy, fellBack);
  emit({ topic: 'selection', type: 'selected', backend: backend.name, reason, fellBack });
  return {
    backend,
    capabilities: answer.report.capabilities,
    selection: Object.freeze({
      backend: backend.name,
      reason,
      fellBack,
      detail: answer.report.detail,
      candidates: Object.freeze(candidates),
    }),
  };
}

function reasonFor(
  candidates: readonly CandidateReport[],
  preferredBy: string | undefined,
  fellBack: boolean,
): string {
  if (preferredBy !== undefined) return `named by ${preferredBy}`;
  if (candidates.length === 1 && !fellBack) return 'it is the only candidate';
  const above = candidates.slice(
    0,
    candidates.findIndex((candidate) => candidate.verdict === 'chosen'),
  );
  const passed = above
    .map((candidate) => `${candidate.backend}: ${candidate.reason ?? 'unavailable'}`)
    .join('; ');
  if (fellBack) return `no container backend can serve the image${passed === '' ? '' : ` (${passed})`}`;
  return passed === '' ? 'it comes first' : `the ones before it cannot serve (${passed})`;
}

function nobody(
  asked: readonly Asked[],
  settings: Settings,
  preferredBy: string | undefined,
): CompanionError {
  const only = asked.length === 1 ? asked[0] : undefined;
  const unsupported = only === undefined ? null : whyUnsuitable(settings, only.report.capabilities);
  if (
    preferredBy !== undefined &&
    only?.report.verdict === 'unsuitable' &&
    unsupported === only.report.reason
  ) {
    return new CompanionError(
      'COMPANION_UNSUPPORTED',
      `backend '${only.report.backend}', named by ${preferredBy}, cannot serve this companion: ${unsupported}`,
      { hint: 'Leave the option out, or let another backend be chosen.' },
    );
  }
  const reports = asked.map(({ report }) => report);
  return noBackendError(reports, preferredBy, asked.find(({ cause }) => cause !== undefined)?.cause);
}
