import {
  type CompanionOptions,
  type CompanionRunner,
  createCompanion,
  type PublishedEvent,
} from '@companion/core';
import { type FakeBackend, type FakeBehaviour, type FakeEnvironment, fakeBackend } from './fake-backend.js';

export interface FakeCompanion {
  readonly runner: CompanionRunner;
  readonly backend: FakeBackend;
  /** The one that core made last. */
  readonly environment: FakeEnvironment;
  readonly events: readonly PublishedEvent[];
}

/** A companion on a fake backend of its own, whatever COMPANION_BACKEND says; not started. */
export async function fakeCompanion(
  behaviour: FakeBehaviour = {},
  options: CompanionOptions = {},
): Promise<FakeCompanion> {
  const backend = fakeBackend(behaviour);
  const events: PublishedEvent[] = [];
  const runner = await createCompanion({
    sourceDir: import.meta.dirname,
    backends: [backend],
    preferredBackend: backend.name,
    ...options,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  return {
    runner,
    backend,
    events,
    get environment() {
      const environment = backend.environments.at(-1);
      if (environment === undefined) throw new Error('core has not made an environment yet');
      return environment;
    },
  };
}

/** The same, ready. */
export async function startedFake(
  behaviour: FakeBehaviour = {},
  options: CompanionOptions = {},
): Promise<FakeCompanion> {
  const companion = await fakeCompanion(behaviour, options);
  await companion.runner.init();
  return companion;
}
