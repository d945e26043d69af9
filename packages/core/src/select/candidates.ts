import type { Backend } from '../backend.js';
import { CompanionError, invalidArgument } from '../errors.js';
import type { CompanionOptions } from '../options.js';
import { faultOf, inOrder, registeredBackends } from '../registry.js';

/** Who is asked, and on whose word. */
export interface Candidates {
  /** By priority, then name; one where it was named. */
  readonly backends: readonly Backend[];
  /** Who named the only candidate: `preferredBackend`, `COMPANION_BACKEND`, or nobody. */
  readonly preferredBy: 'preferredBackend' | 'COMPANION_BACKEND' | undefined;
}

/** @throws `COMPANION_INVALID_BACKEND`, `COMPANION_NO_BACKEND` for a name that nobody has. */
export function candidatesFor(options: CompanionOptions): Candidates {
  const known = options.backends === undefined ? registeredBackends() : checked(options.backends);
  const fromOutside = process.env.COMPANION_BACKEND || undefined;
  const name = options.preferredBackend ?? fromOutside;
  if (name === undefined) return { backends: known, preferredBy: undefined };
  const preferredBy = options.preferredBackend === undefined ? 'COMPANION_BACKEND' : 'preferredBackend';
  const backend = known.find((candidate) => candidate.name === name);
  if (backend !== undefined) return { backends: [backend], preferredBy };
  const names = known.map((candidate) => candidate.name).join(', ') || 'none';
  if (options.backends !== undefined) {
    const message = `backend '${name}', named by ${preferredBy}, is not among the option backends (${names})`;
    throw new CompanionError('COMPANION_NO_BACKEND', message);
  }
  throw new CompanionError(
    'COMPANION_NO_BACKEND',
    `backend '${name}', named by ${preferredBy}, is not registered (registered: ${names})`,
    {
      hint: `Import its package before creating the companion: import '@companion/backend-${name}'.`,
    },
  );
}

function checked(backends: readonly Backend[]): readonly Backend[] {
  const names = new Set<string>();
  for (const backend of backends) {
    const fault = faultOf(backend);
    if (fault !== null) throw new CompanionError('COMPANION_INVALID_BACKEND', fault);
    if (names.has(backend.name))
      throw invalidArgument('backends', 'different names', `${backend.name} twice`);
    names.add(backend.name);
  }
  return inOrder(backends);
}
