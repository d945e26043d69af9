import { describe, inject, test } from 'vitest';
import type { EngineKind, TestEngine } from './engines.mjs';

/**
 * The same tests on Docker and on Podman. An engine that is not here is one skipped test with the reason, or a failed
 * one where `COMPANION_REQUIRE_BACKENDS` names the engine.
 */
export function eachEngine(title: string, define: (engine: TestEngine) => void): void {
  for (const kind of ['docker', 'podman'] as const) onEngine(kind, `${title} (${kind})`, define);
}

/** The same for one of them. */
export function onEngine(kind: EngineKind, title: string, define: (engine: TestEngine) => void): void {
  const { [kind]: engine, absent } = inject('engines');
  if (engine !== undefined) describe(title, () => define(engine));
  else leaveOut(kind, `${title} [${absent[kind]}]`);
}

/** Stands for tests that need an engine that is not here. */
export function leaveOut(kind: EngineKind, title: string): void {
  const required = (process.env.COMPANION_REQUIRE_BACKENDS ?? '').split(',').map((name) => name.trim());
  if (!required.includes(kind)) test.skip(title);
  else {
    test(title, () => {
      throw new Error(`COMPANION_REQUIRE_BACKENDS names ${kind}, and it is not here`);
    });
  }
}
