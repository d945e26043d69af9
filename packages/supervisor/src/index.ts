/** Processes inside an environment, through one small program that runs there: see docs/supervisor-protocol.md. */

export { supervisorBinary } from './binary.js';
export type { ResourceUsage } from './frame-decoder.js';
export type { SharedDirectory } from './move-to-socket.js';
export type { Account, AccountRequest, Whereabouts } from './own-programs.js';
export { SpawnFailure, type SpawnPhase } from './spawn-failure.js';
export type { SupervisedCommand, SupervisedUser } from './spawn-frame.js';
export type { StreamPair, SupervisorStream } from './stream-pair.js';
export type { SupervisedProcess } from './supervised-process.js';
export { connectSupervisor, type Supervisor } from './supervisor.js';
