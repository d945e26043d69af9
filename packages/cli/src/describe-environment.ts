import type { ExistingEnvironment } from '@companion/core/backend';
import type { FoundEnvironment, UntoldBackend } from './existing-environments.js';

/** What is to be done with an environment that nobody asked for by name. */
export type Standing = 'in use' | 'kept' | 'left behind' | 'starting' | 'unknown';

/** In one word. `left behind` and `kept` are what `companion prune` is about. */
export function standingOf({ inUse, kept, owner, state }: ExistingEnvironment): Standing {
  if (inUse) return 'in use';
  // Of another machine, or of nobody who can be recognised.
  if (owner === 'unknown') return 'unknown';
  if (owner === 'alive' && state === 'stopped') return 'starting';
  if (kept) return 'kept';
  return owner === 'gone' ? 'left behind' : 'in use';
}

/** As `--json` prints it. */
export function environmentDocument({ backend, environment }: FoundEnvironment) {
  const { id, name, state, owner, kept, inUse, createdAt } = environment;
  const standing = standingOf(environment);
  return { backend, name, id, state, owner, kept, inUse, standing, createdAt: createdAt.toISOString() };
}

/** As `--json` prints it. */
export function untoldDocument({ backend, code, message, hint }: UntoldBackend) {
  return { backend, code, message, hint: hint ?? null };
}

const UNITS = [
  ['d', 24 * 60 * 60],
  ['h', 60 * 60],
  ['min', 60],
] as const;

/** `12 s`, `3 min`, `5 h`, `9 d`. */
export function ageOf({ createdAt }: ExistingEnvironment, now = Date.now()): string {
  // Another machine's clock may be ahead.
  const seconds = Math.max(0, Math.floor((now - createdAt.getTime()) / 1000));
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? ['s', 1];
  return `${Math.floor(seconds / length)} ${unit}`;
}
