import { CompanionError } from '@companion/core';
import { type Endpoint, type EndpointOptions, resolveEndpoints } from './endpoint.js';
import { type EngineAnswer, type NoEngine, type ProbeOptions, probeEngine } from './probe.js';

/**
 * The first engine that answers, else why none does: also for a setting that names nothing. Rejects only when aborted.
 *
 * What does not exist is passed over in 0.2 ms; what hangs costs 2 s, and for 10 s then nothing.
 */
export async function findEngine(
  options: EndpointOptions,
  { signal, env = process.env }: ProbeOptions = {},
): Promise<EngineAnswer | NoEngine> {
  let endpoints: readonly Endpoint[];
  try {
    endpoints = await resolveEndpoints(options, env);
  } catch (error) {
    if (!CompanionError.is(error)) throw error;
    return { available: false, reason: error.message, hint: error.hint ?? '', cause: error };
  }
  const passedOver: NoEngine[] = [];
  for (const endpoint of endpoints) {
    const answer = await probeEngine(endpoint, { signal, env });
    if (answer.available) return { ...answer, passedOver };
    passedOver.push(answer);
  }
  return whyNone(endpoints, passedOver);
}

function whyNone(endpoints: readonly Endpoint[], passedOver: readonly NoEngine[]): NoEngine {
  const [only] = passedOver;
  if (only !== undefined && endpoints.length === 1) return only;
  // Where nothing exists there is nothing to say about each; where something does, that is what went wrong.
  const there = passedOver.filter(({ cause }) => !isMissingSocket(cause));
  const [first] = there;
  if (first === undefined) {
    const places = endpoints.map(({ address }) => address);
    return {
      available: false,
      reason: `no container engine is at ${endpoints[0]?.origin}: there is no socket from ${places[0]} to ${places.at(-1)}`,
      hint: 'Start Docker or Podman (`podman system service`, or its socket unit), or name an engine with DOCKER_HOST.',
      cause: passedOver[0]?.cause,
    };
  }
  return { ...first, reason: there.map(({ reason }) => reason).join('; ') };
}

function isMissingSocket(cause: unknown): boolean {
  const { code, syscall } = (cause ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOENT' && syscall === 'connect';
}
