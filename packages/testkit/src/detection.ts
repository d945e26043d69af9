import { type Capabilities, createCompanion, explainSelection } from '@companion/core';
import type { Backend } from '@companion/core/backend';
import type { ConformanceTarget } from './plan.js';
import { watchBackend } from './watched-backend.js';

/** Whether the backend can be tested on this machine. */
export type Answer =
  | { readonly is: 'available'; readonly capabilities: Capabilities }
  /** It says so itself, and says why. */
  | { readonly is: 'absent'; readonly reason: string }
  /** It cannot be asked, which is no machine's fault. */
  | { readonly is: 'faulty'; readonly reason: string };

/** Asks the backend through core, as `createCompanion()` does; starts nothing. */
export async function askBackend(
  { backend, image }: Pick<ConformanceTarget, 'backend' | 'image'>,
  sourceDir: string,
): Promise<Answer> {
  const optionsFor = (candidate: Backend) => ({
    sourceDir,
    backends: [candidate],
    preferredBackend: candidate.name,
    ...(image === undefined ? {} : { image }),
  });
  try {
    // Core turns a detect() that throws, hangs or babbles into a "no", so that selection goes on; a kit listens.
    const watched = watchBackend(backend);
    const [report] = await explainSelection(optionsFor(watched.backend));
    if (report?.verdict === 'chosen') {
      const { capabilities } = await createCompanion(optionsFor(backend));
      return { is: 'available', capabilities };
    }
    const outcome = watched.detections[0]?.outcome;
    const detection = outcome?.answered ? outcome.detection : undefined;
    if (detection?.available === false && typeof detection.reason === 'string') {
      const { reason, hint } = detection;
      return { is: 'absent', reason: hint === undefined ? reason : `${reason} (${hint})` };
    }
    return { is: 'faulty', reason: `detect() has to answer as the contract says: ${report?.reason}` };
  } catch (error) {
    return { is: 'faulty', reason: error instanceof Error ? error.message : String(error) };
  }
}
