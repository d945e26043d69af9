import type { TestProject } from 'vitest/node';
import { startEngines, type TestEngines } from './engines.mjs';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly engines: TestEngines;
  }
}

/** Engines for all test files of a project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engines = await startEngines();
  project.provide('engines', engines.describe());
  return () => engines.stop();
}
