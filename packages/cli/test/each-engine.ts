import { describe, inject, test } from 'vitest';

type Engines = ReturnType<typeof inject<'engines'>>;
export type TestEngine = NonNullable<Engines['docker']>;

/**
 * The same tests on Docker and on Podman. An engine that is not here is one skipped test with the reason, or a failed
 * one where `COMPANION_REQUIRE_BACKENDS` names the engine.
 */
export function eachEngine(title: string, define: (engine: TestEngine) => void): void {
  const { absent, ...engines } = inject('engines');
  const required = (process.env.COMPANION_REQUIRE_BACKENDS ?? '').split(',').map((name) => name.trim());
  for (const kind of ['docker', 'podman'] as const) {
    const engine = engines[kind];
    if (engine !== undefined) describe(`${title} (${kind})`, () => define(engine));
    else if (!required.includes(kind)) test.skip(`${title} (${kind}) [${absent[kind]}]`);
    else {
      test(`${title} (${kind})`, () => {
        throw new Error(`COMPANION_REQUIRE_BACKENDS names ${kind}, and it is not here`);
      });
    }
  }
}
