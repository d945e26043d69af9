import { CompanionError } from '@companion/core';

/** An error for a report: with its code and what caused it, which is where the backend's own words are. */
export function describeError(error: unknown): string {
  const lines: string[] = [];
  // A chain that leads back to itself would never end.
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 5; depth += 1) {
    lines.push(`${depth === 0 ? '' : 'caused by: '}${describeOne(current)}`);
    current = current instanceof Error ? current.cause : undefined;
  }
  return lines.join('\n');
}

function describeOne(error: unknown): string {
  if (CompanionError.is(error)) return `${error.code}: ${error.message}`;
  if (error instanceof AggregateError) return [error.message, ...error.errors.map(describeError)].join('\n');
  // An assertion's message is made for reading; of other errors the kind matters, too.
  if (error instanceof Error)
    return error.name === 'AssertionError' ? error.message : `${error.name}: ${error.message}`;
  return String(error);
}
