import { CompanionError } from '@companion/core';

/** A value that was compared may be 100 KB long, and a report is read by humans. */
const [MAX_LINES, MAX_LINE_LENGTH] = [60, 400];

/** An error for a report: with its code and what caused it, which is where the backend's own words are. */
export function describeError(error: unknown): string {
  let text = '';
  // A chain that leads back to itself would never end.
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 5; depth += 1) {
    const one = describeOne(current);
    if (depth === 0) text = one;
    else if (!text.includes(one)) text += `\ncaused by: ${one}`;
    current = current instanceof Error ? current.cause : undefined;
  }
  return shortened(text);
}

function shortened(text: string): string {
  const lines = text.split('\n');
  const shown = lines
    .slice(0, MAX_LINES)
    .map((line) => (line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}…` : line));
  if (lines.length > MAX_LINES) shown.push(`… ${lines.length - MAX_LINES} lines more`);
  return shown.join('\n');
}

function describeOne(error: unknown): string {
  if (CompanionError.is(error)) return `${error.code}: ${error.message}`;
  if (error instanceof AggregateError) return [error.message, ...error.errors.map(describeError)].join('\n');
  // An assertion's message is made for reading; of other errors the kind matters, too.
  if (error instanceof Error)
    return error.name === 'AssertionError' ? error.message : `${error.name}: ${error.message}`;
  return String(error);
}
