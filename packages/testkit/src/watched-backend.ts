import {
  type Backend,
  type Capabilities,
  type Detection,
  type EnvironmentRequest,
  SPEC_VERSION,
} from '@companion/core/backend';

/** One call of `detect()`. */
export interface WatchedDetection {
  readonly request: EnvironmentRequest;
  readonly durationMs: number;
  /** What it answered, or why it did not. */
  readonly outcome:
    | { readonly answered: true; readonly detection: Detection }
    | { readonly answered: false; readonly error: unknown };
}

/** A backend whose calls are written down. */
export interface WatchedBackend {
  /** Behaves as the original. */
  readonly backend: Backend;
  /** In the order in which they ended. */
  readonly detections: readonly WatchedDetection[];
  /** How many environments were made. */
  readonly created: () => number;
}

/** Wraps a backend without changing what it does. Methods are called on the original: it may use `this`. */
export function watchBackend(original: Backend): WatchedBackend {
  const detections: WatchedDetection[] = [];
  let created = 0;
  const { spec, name, priority, capabilities } = original;
  return {
    detections,
    created: () => created,
    backend: {
      spec,
      name,
      priority,
      capabilities,
      detect: async (request, options) => {
        const startedAt = performance.now();
        const note = (outcome: WatchedDetection['outcome']): void => {
          detections.push({ request, durationMs: performance.now() - startedAt, outcome });
        };
        try {
          const detection = await original.detect(request, options);
          note({ answered: true, detection });
          return detection;
        } catch (error) {
          note({ answered: false, error });
          throw error;
        }
      },
      create: (request) => {
        created += 1;
        return original.create(request);
      },
    },
  };
}

/**
 * Another candidate next to the backend under test, which can do whatever a case asks for. It only takes part in
 * selection: no environment can be made of it. Capabilities are a container's unless told otherwise.
 */
export function otherCandidate(
  name: string,
  priority: number,
  detect: Backend['detect'],
  capabilities: Partial<Capabilities> = {},
): Backend {
  return {
    spec: SPEC_VERSION,
    name,
    priority,
    capabilities: {
      filesystem: 'bound',
      network: 'private',
      processes: 'private',
      user: true,
      signals: true,
      killTree: true,
      descendants: true,
      tty: true,
      limits: true,
      networkNone: true,
      ownerDeath: 'killed',
      ...capabilities,
    },
    detect,
    create: () => {
      throw new Error(`the stand-in '${name}' was chosen, and only the backend under test may be`);
    },
  };
}
