import type { CompanionRunner } from '@companion/core';

/** A heartbeat or a tree of them. */
interface Beating {
  assertStops(options?: { readonly withinMs?: number; readonly what?: string }): Promise<void>;
}

/**
 * Asserts that hearts have stopped although their companion is not ready any more. Where files are copies nobody can
 * see them from outside then: there it is left to the kit, which looks for leftovers after every case.
 */
export async function assertSilent(
  runner: CompanionRunner,
  hearts: readonly Beating[],
  what: string,
): Promise<void> {
  if (runner.capabilities.filesystem === 'copied' && runner.state !== 'ready') return;
  await Promise.all(hearts.map((heart) => heart.assertStops({ what })));
}
