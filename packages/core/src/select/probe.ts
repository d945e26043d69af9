import { onAbort } from '../abort.js';
import type { Backend, Capabilities, Detection, EnvironmentRequest } from '../backend.js';
import { messageOf, show } from '../errors.js';
import { CAPABILITY_VALUES } from '../registry.js';
import { isWithin } from './suitability.js';

const PROBE_TIMEOUT_MS = 5000;
const REMEMBERED_MS = 10_000;
/** The reason of a candidate that was told to stop. */
export const NOT_NEEDED = 'it was not needed';

export interface Probe {
  readonly detection: Detection;
  readonly durationMs: number;
}

/**
 * Backends that did not answer in time, by their options, until when. Only silence is remembered: a wedged engine then
 * costs its timeout once and not for every companion, while a "no" costs next to nothing to ask again and may have
 * become a "yes".
 */
const silent = new WeakMap<Backend, Map<string, number>>();

/** Asks one backend, for at most 5 s; whatever goes wrong is a "no". */
export async function probe(
  backend: Backend,
  request: EnvironmentRequest,
  signal: AbortSignal,
): Promise<Probe> {
  const startedAt = performance.now();
  const detection = await detect(backend, request, signal);
  return { detection, durationMs: performance.now() - startedAt };
}

async function detect(
  backend: Backend,
  request: EnvironmentRequest,
  signal: AbortSignal,
): Promise<Detection> {
  const key = keyOf(request.backendOptions);
  if ((silent.get(backend)?.get(key) ?? 0) > Date.now()) {
    return {
      available: false,
      reason: `it did not answer within ${PROBE_TIMEOUT_MS / 1000} s a moment ago`,
      hint: 'It is asked again 10 s after it fell silent.',
    };
  }
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let forget = (): void => {};
  const late = new Promise<Detection>((resolve) => {
    const giveUp = (reason: string): void => {
      resolve({ available: false, reason });
      abort.abort();
    };
    forget = onAbort(signal, () => giveUp(NOT_NEEDED));
    timer = setTimeout(() => {
      const known = silent.get(backend) ?? new Map<string, number>();
      silent.set(backend, known.set(key, Date.now() + REMEMBERED_MS));
      giveUp(`it did not answer within ${PROBE_TIMEOUT_MS / 1000} s`);
    }, PROBE_TIMEOUT_MS);
  });
  try {
    // Inside an async function, so that a detect() that throws is a "no" as well.
    const answer = (async () => {
      const detection = await backend.detect(request, { signal: abort.signal });
      return checkedDetection(detection, backend.capabilities);
    })();
    return await Promise.race([answer, late]);
  } catch (error) {
    return { available: false, reason: `its detection failed: ${messageOf(error)}`, cause: error };
  } finally {
    clearTimeout(timer);
    forget();
  }
}

function keyOf(backendOptions: unknown): string {
  try {
    return JSON.stringify(backendOptions) ?? '';
  } catch {
    // Circular, like an agent: all such options of a backend are taken for the same.
    return 'circular';
  }
}

function checkedDetection(detection: Detection, declared: Capabilities): Detection {
  const wrong = (what: string): Detection => ({ available: false, reason: `its detect() ${what}` });
  if (typeof detection !== 'object' || detection === null) return wrong(`returned ${show(detection)}`);
  if (detection.available === false) {
    return typeof detection.reason === 'string' ? detection : wrong('said no without a reason');
  }
  if (detection.available !== true)
    return wrong(`returned available: ${show((detection as { readonly available: unknown }).available)}`);
  for (const [key, value] of Object.entries(detection.lowered ?? {})) {
    if (!Object.hasOwn(CAPABILITY_VALUES, key) || !CAPABILITY_VALUES[key]?.includes(value))
      return wrong(`lowered ${key} to ${show(value)}`);
    if (!isWithin(declared[key as keyof Capabilities], value))
      return wrong(`raised ${key} to ${show(value)}`);
  }
  return detection;
}

/** The capabilities on this machine. */
export function loweredCapabilities(backend: Backend, detection: Detection): Capabilities {
  return Object.freeze({ ...backend.capabilities, ...(detection.available ? detection.lowered : {}) });
}
