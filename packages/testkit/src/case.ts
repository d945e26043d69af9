import type { Backend, Capabilities, CompanionOptions, CompanionRunner } from '@companion/core';

/** One rule that every backend has to keep, as data: nothing in it knows a test runner. */
export interface ConformanceCase {
  /** `<area>.<rule>`: stable; its meaning never changes. */
  readonly id: string;
  /** A true sentence about behaviour. */
  readonly title: string;
  /** The revision of the list in which it appeared. */
  readonly since: number;
  /** Capabilities without which it does not apply: a value, or several of which one suffices. */
  readonly requires: CaseRequirements;
  /** Default: 30,000. */
  readonly timeoutMs?: number;
  /** May run in an environment that other cases have used: {@link CaseContext.shared}. Default: false. */
  readonly shares?: boolean;
  /** Starts a second program that holds a companion: applies where {@link ConformanceTarget.module} is given. */
  readonly needsModule?: boolean;
  /** Rejects when the rule is broken. */
  run(context: CaseContext): Promise<void>;
}

export type CaseRequirements = {
  readonly [K in keyof Capabilities]?: Capabilities[K] | readonly Capabilities[K][];
};

/** What a case works with. Everything it makes through the context is removed after it. */
export interface CaseContext {
  readonly backend: Backend;
  /** This machine's: lowered by `detect()`. */
  readonly capabilities: Capabilities;
  /** A host directory of the case's own; the default `sourceDir`. */
  readonly directory: string;
  /** Aborts when the case's time is up. */
  readonly signal: AbortSignal;
  /** How another program imports the backend: `specifier` or `specifier#export`. */
  readonly module: string | undefined;
  /** What {@link create} starts from, `backends` aside. Consists of what JSON can say. */
  readonly defaults: CompanionOptions;
  /** A companion on the backend under test, not started yet. */
  create(options?: CompanionOptions): Promise<CompanionRunner>;
  /** A companion on the backend under test, started. */
  start(options?: CompanionOptions): Promise<CompanionRunner>;
  /**
   * Resolves as `promise` does. Where it rejects, or the case's time is up first, the failure begins with `demand`: what
   * has to come of it, as part of a sentence. An AssertionError comes through as it is.
   */
  due<T>(demand: string, promise: Promise<T>): Promise<T>;
  /** The warm companion of cases that share; only with `shares: true`. Its `sourceDir` is not {@link directory}. */
  shared(): Promise<CompanionRunner>;
}
