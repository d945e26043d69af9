import { type Backend, type Capabilities, SPEC_VERSION } from './backend.js';
import { CompanionError, show } from './errors.js';

// One table per process, whichever copy of core asks.
const KEY = Symbol.for('@companion/core/backends/v1');
const shared = globalThis as { [KEY]?: Map<string, Backend> };

function table(): Map<string, Backend> {
  shared[KEY] ??= new Map();
  return shared[KEY];
}

/**
 * Makes a backend a candidate for every companion of this process. Backend packages call it when imported.
 * A second registration of the same name replaces the first.
 *
 * @throws `COMPANION_INVALID_BACKEND` when the object does not have the shape of a backend.
 */
export function registerBackend(backend: Backend): void {
  const fault = faultOf(backend);
  if (fault !== null) throw new CompanionError('COMPANION_INVALID_BACKEND', fault);
  table().set(backend.name, backend);
}

/** Registered backends by priority, then name: never by import order. */
export function registeredBackends(): readonly Backend[] {
  return inOrder([...table().values()]);
}

export function inOrder(backends: readonly Backend[]): readonly Backend[] {
  return [...backends].sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
}

const VALUES: { readonly [K in keyof Capabilities]: readonly Capabilities[K][] } = {
  filesystem: ['shared', 'bound', 'copied'],
  network: ['shared', 'private'],
  processes: ['shared', 'private'],
  user: [true, false],
  signals: [true, false],
  killTree: [true, false],
  descendants: [true, false],
  tty: [true, false],
  limits: [true, false],
  networkNone: [true, false],
  ownerDeath: ['killed', 'survives'],
};

/** Every capability with the values it can take. */
export const CAPABILITY_VALUES: Readonly<Record<string, readonly unknown[]>> = VALUES;

/** What is wrong with the object as a backend, in one sentence; `null` when nothing is. */
export function faultOf(backend: unknown): string | null {
  if (typeof backend !== 'object' || backend === null) return `a backend is an object, got ${show(backend)}`;
  const candidate = backend as Partial<Record<keyof Backend, unknown>>;
  if (typeof candidate.name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(candidate.name)) {
    return `a backend's name is lower-case letters, digits and dashes, got ${show(candidate.name)}`;
  }
  const who = `backend '${candidate.name}'`;
  if (candidate.spec !== SPEC_VERSION) {
    return `${who} implements version ${show(candidate.spec)} of the contract, this core speaks version ${SPEC_VERSION}`;
  }
  if (typeof candidate.priority !== 'number' || !Number.isFinite(candidate.priority)) {
    return `${who} needs a finite number as priority, got ${show(candidate.priority)}`;
  }
  for (const method of ['detect', 'create'] as const) {
    if (typeof candidate[method] !== 'function') return `${who} has no method ${method}()`;
  }
  return capabilityFault(who, candidate.capabilities);
}

function capabilityFault(who: string, capabilities: unknown): string | null {
  if (typeof capabilities !== 'object' || capabilities === null) return `${who} declares no capabilities`;
  const declared = capabilities as Record<string, unknown>;
  for (const [key, allowed] of Object.entries(CAPABILITY_VALUES)) {
    if (!allowed.includes(declared[key])) {
      return `${who} declares capability ${key} as ${show(declared[key])}, expected ${allowed.map(show).join(' or ')}`;
    }
  }
  for (const key of Object.keys(declared)) {
    if (!Object.hasOwn(CAPABILITY_VALUES, key)) return `${who} declares an unknown capability: ${key}`;
  }
  return null;
}
