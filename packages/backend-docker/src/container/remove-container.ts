import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { Engine } from '../engine/engine.js';

const POLL_MS = 10;
const PATIENCE_MS = 15_000;

interface EngineRefusal {
  readonly statusCode?: number;
}

/**
 * Ends a container at once and resolves when the engine has nothing left of it, anonymous volumes included; also when it
 * has gone, or is going, by itself.
 */
export async function removeContainer({ endpoint }: Engine, container: Dockerode.Container): Promise<void> {
  const patient = AbortSignal.timeout(PATIENCE_MS);
  try {
    for (; !patient.aborted; await sleep(POLL_MS)) {
      const refusal = await container.remove({ force: true, v: true, abortSignal: patient }).then(none, asIs);
      if (refusal === undefined || statusOf(refusal) === 404) return;
      if (statusOf(refusal) === undefined) throw refusal;
      // That it is being removed already is a conflict for Docker, and for Podman any kind of error.
      if (await isGone(container, patient)) return;
    }
  } catch (error) {
    if (!patient.aborted) throw error;
  }
  throw new Error(
    `the engine at ${endpoint.address} has not removed the container ${container.id.slice(0, 12)}`,
  );
}

/** For one that ends by itself and is then removed by the engine: false when that takes longer than so many ms. */
export async function vanishes(container: Dockerode.Container, withinMs: number): Promise<boolean> {
  const patient = AbortSignal.timeout(withinMs);
  try {
    for (; !patient.aborted; await sleep(POLL_MS)) {
      if (await isGone(container, patient)) return true;
    }
  } catch (error) {
    if (!patient.aborted) throw error;
  }
  return false;
}

async function isGone(container: Dockerode.Container, abortSignal: AbortSignal): Promise<boolean> {
  const refusal = await container.inspect({ abortSignal }).then(none, asIs);
  if (refusal !== undefined && statusOf(refusal) === undefined) throw refusal;
  return statusOf(refusal) === 404;
}

function none(): undefined {}

function asIs(error: unknown): unknown {
  return error;
}

function statusOf(refusal: unknown): number | undefined {
  return (refusal as EngineRefusal | undefined)?.statusCode;
}
