import { isRegExp } from 'node:util/types';
import {
  parseArray,
  parseBoolean,
  parseKeys,
  parseOptional,
  parseRecord,
  parseSignal,
  parseText,
  parseTimeout,
  parseWords,
} from '../argument-checks.js';
import { invalidArgument } from '../errors.js';

/** A probe as it is run. */
export interface CheckedProbe {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly pattern: RegExp | undefined;
  readonly optional: boolean;
}

/** @throws TypeError */
export function parseProbes(probes: unknown): readonly CheckedProbe[] {
  const entries = Object.entries(parseRecord('probes', probes));
  if (entries.length === 0) throw invalidArgument('probes', 'at least one', probes);
  return entries.map(([name, probe]) => parseProbe(`probes.${name}`, name, probe));
}

function parseProbe(what: string, name: string, probe: unknown): CheckedProbe {
  if (Array.isArray(probe))
    return { name, ...parseCommand(what, probe), pattern: undefined, optional: false };
  parseKeys(what, probe, ['command', 'pattern', 'optional']);
  const { command, pattern, optional } = parseRecord(what, probe);
  return {
    name,
    ...parseCommand(`${what}.command`, command),
    pattern: parseOptional(`${what}.pattern`, pattern, parsePattern),
    optional: parseOptional(`${what}.optional`, optional, parseBoolean) ?? false,
  };
}

function parseCommand(
  what: string,
  words: unknown,
): { readonly file: string; readonly args: readonly string[] } {
  const [file, ...args] = parseWords(what, words);
  return { file: parseText(`${what}[0]`, file), args };
}

function parsePattern(what: string, value: unknown): RegExp {
  if (!isRegExp(value)) throw invalidArgument(what, 'a regular expression', value);
  // With the flags g and y an expression remembers where it was, and its owner may be using it.
  return new RegExp(value.source, value.flags.replace(/[gy]/g, ''));
}

/** What else the caller said. */
export interface CheckedSettings {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly required: readonly string[];
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** @throws TypeError */
export function parseSettings(settings: unknown): CheckedSettings {
  parseKeys('settings', settings, ['signal', 'timeoutMs', 'required']);
  const { signal, timeoutMs, required = [] } = parseRecord('settings', settings);
  return {
    signal: parseOptional('signal', signal, parseSignal),
    timeoutMs: parseOptional('timeoutMs', timeoutMs, parseTimeout) ?? DEFAULT_TIMEOUT_MS,
    required: parseArray('required', required).map((name) => parseText('required', name)),
  };
}
