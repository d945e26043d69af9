import { afterAll, beforeAll, describe, test } from 'vitest';
import { missingNix, type NixSettings, type StartedNix, startNix } from './nix.mjs';

/**
 * Tests that need Nix, with one of their own: ask for it inside of tests. Where there is none, they are one skipped test
 * with the reason, or a failed one where `COMPANION_REQUIRE_BACKENDS` names nix.
 */
export function onNix(title: string, define: (nix: () => StartedNix) => void, settings?: NixSettings): void {
  const missing = missingNix();
  if (missing !== undefined) {
    leaveOut(`${title} [${missing}]`);
    return;
  }
  describe(title, () => {
    let nix: StartedNix | undefined;
    beforeAll(async () => {
      nix = await startNix(settings);
    });
    afterAll(() => nix?.stop());
    define(() => {
      if (nix === undefined) throw new Error('Nix is there in tests, not while they are declared');
      return nix;
    });
  });
}

/** One skipped test, or a failed one where nix is required. */
export function leaveOut(title: string): void {
  const required = (process.env.COMPANION_REQUIRE_BACKENDS ?? '').split(',').map((name) => name.trim());
  if (!required.includes('nix')) test.skip(title);
  else {
    test(title, () => {
      throw new Error('COMPANION_REQUIRE_BACKENDS names nix, and it is not here');
    });
  }
}
