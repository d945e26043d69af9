export type {
  Abortable,
  Backend,
  Capabilities,
  CompanionEvent,
  Environment,
  ExitStatus,
  Signal,
  TerminalSize,
  User,
} from './backend.js';
export type { CompanionRunner } from './companion-runner.js';
export { createCompanion, explainSelection, startCompanion } from './create-companion.js';
export {
  CommandFailedError,
  CompanionError,
  type CompanionErrorCode,
  type CompanionErrorOptions,
} from './errors.js';
export type { EventListener, EventOrigin, PublishedEvent } from './events.js';
export type { LifecycleState, ShutdownOptions } from './lifecycle.js';
export type { LogLine, LogOptions } from './logs.js';
export type {
  BackendOptions,
  CompanionOptions,
  Directory,
  EnvironmentVariables,
  ImageBuildOptions,
  ImageOptions,
  LimitOptions,
  MountOptions,
  PortOptions,
  Requirements,
  RunOptions,
  SpawnOptions,
} from './options.js';
export {
  type BackendParity,
  type Parity,
  type ParityOptions,
  type ProbeParity,
  type VersionAnswer,
  type VersionProbe,
  verifyParity,
} from './parity.js';
export type { Endpoint } from './ports.js';
export type { CompanionProcess, ProcessRunOptions } from './process/companion-process.js';
export type { EndReason, RunResult } from './process/run-result.js';
export type { LineMatch, WaitForLineOptions, WaitForPortOptions, WaitOptions } from './readiness.js';
export { registerBackend, registeredBackends } from './registry.js';
export type { CandidateReport, Selection } from './select/select.js';
