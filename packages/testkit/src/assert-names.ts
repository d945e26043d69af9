import assert from 'node:assert/strict';
import type { CompanionError } from '@companion/core';

/** Asserts that an error's message or hint names each of these: what is at fault, its value, the way out. */
export function assertNames(
  { message, hint }: CompanionError,
  names: readonly string[],
  demand: string,
): void {
  const text = hint === undefined ? message : `${message}\n${hint}`;
  for (const name of names) {
    assert.ok(
      text.includes(name),
      `${demand}: the error must name ${JSON.stringify(name)}, it says: ${text}`,
    );
  }
}
