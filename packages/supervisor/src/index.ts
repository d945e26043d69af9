/** Processes inside an environment, through one small program that runs there: see docs/supervisor-protocol.md. */
export type { ResourceUsage } from './frame-decoder.js';
export { SpawnFailure, type SpawnPhase } from './spawn-failure.js';
export type { SupervisedCommand } from './spawn-frame.js';
export type { StreamPair, SupervisorStream } from './stream-pair.js';
export type { SupervisedProcess } from './supervised-process.js';
export { connectSupervisor, type Supervisor } from './supervisor.js';
export { supervisorBinary } from './supervisor-binary.js';
