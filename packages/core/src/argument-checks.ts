/** Checks of single arguments. Each names the argument, what was expected and what came; all throw TypeError. */
import { invalidArgument, invalidSecretArgument } from './errors.js';

export function parsePort(what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 65_535) {
    throw invalidArgument(what, 'a port from 1 to 65535', value);
  }
  return value;
}

export function parseText(what: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw invalidArgument(what, 'a string that is not empty and has no zero byte', value);
  }
  return value;
}

/** Any string, also an empty one; never shown. */
export function parseString(what: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw invalidSecretArgument(what, 'a string', value);
}

export function parseWords(what: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalidSecretArgument(what, 'an array of strings', value);
  const words = value.map((word: unknown) => {
    if (typeof word !== 'string' || word.includes('\0')) {
      throw invalidSecretArgument(what, 'strings without zero bytes', word);
    }
    return word;
  });
  return Object.freeze(words);
}

export function parseBoolean(what: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidArgument(what, 'true or false', value);
  return value;
}

export function parsePositive(what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw invalidArgument(what, 'a number above 0', value);
  }
  return value;
}

/** What a timer can take; Node turns more into 1 ms. Nobody notices the difference after 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function parseMilliseconds(what: string, value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw invalidArgument(what, 'milliseconds, 0 or more', value);
  }
  return Math.min(value, MAX_TIMER_MS);
}

export function parseTimeout(what: string, value: unknown): number {
  if (value === 0) throw invalidArgument(what, 'milliseconds, more than 0', value);
  return parseMilliseconds(what, value);
}

export function parsePositiveInteger(what: string, value: unknown): number {
  if (!Number.isSafeInteger(value)) throw invalidArgument(what, 'a whole number above 0', value);
  return parsePositive(what, value);
}

export function parseOptional<T>(
  what: string,
  value: unknown,
  parse: (what: string, value: unknown) => T,
): T | undefined {
  return value === undefined ? undefined : parse(what, value);
}

export function parseSignal(what: string, value: unknown): AbortSignal {
  if (value instanceof AbortSignal) return value;
  throw invalidArgument(what, 'an AbortSignal', value);
}

export function parseKeys(what: string, value: unknown, known: readonly string[]): void {
  for (const key of Object.keys(parseRecord(what, value))) {
    if (!known.includes(key)) throw invalidArgument(what, `only ${known.join(', ')}`, key);
  }
}

export function parseOneOf<T extends string>(what: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((item) => item === value);
  if (found === undefined)
    throw invalidArgument(what, allowed.map((item) => `'${item}'`).join(' or '), value);
  return found;
}

export function parseArray<T>(what: string, value: unknown): readonly T[] {
  if (!Array.isArray(value)) throw invalidArgument(what, 'an array', value);
  return value as readonly T[];
}

export function parseRecord(what: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgument(what, 'an object', value);
  }
  return value as Record<string, unknown>;
}

/** Like {@link parseRecord}, for what may be a secret put in the wrong place. */
export function parseSecretRecord(what: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalidSecretArgument(what, 'an object', value);
}

export function parseTextRecord(what: string, value: unknown): Record<string, string> {
  const record = parseSecretRecord(what, value);
  for (const [key, text] of Object.entries(record)) {
    if (typeof text !== 'string') throw invalidSecretArgument(`${what}.${key}`, 'a string', text);
  }
  return record as Record<string, string>;
}
