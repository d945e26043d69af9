/** What `docs/supervisor-protocol.md` says in numbers. */

export const PROTOCOL_VERSION = 1;

/** Begins the payload of the supervisor's `HELLO`. */
export const MAGIC = 'cmpnsup\n';

/** Bytes of a frame before its payload. */
export const HEADER_BYTES = 9;
/** What the length of a frame counts besides the payload: type and id. */
export const COUNTED_HEADER_BYTES = 5;
export const MAX_PAYLOAD_BYTES = 65_536;
export const MAX_SPAWN_BYTES = 8 * 1024 * 1024;
/** Of a `MOVE`. */
export const TOKEN_BYTES = 16;
/** Of a unix socket's path, on both sides. */
export const MAX_SOCKET_PATH_BYTES = 107;
/** What standard input can take before the first `CREDIT`. */
export const INITIAL_INPUT_WINDOW = 65_536;

export const ClientFrame = {
  HELLO: 1,
  SPAWN: 2,
  STDIN: 3,
  STDIN_EOF: 4,
  CREDIT: 5,
  SIGNAL: 6,
  RESIZE: 7,
  CONNECT: 8,
  CLOSE: 9,
  LIST: 10,
  LISTENING: 11,
  END_ALL: 12,
  PING: 13,
  MOVE: 14,
} as const;

export const SupervisorFrame = {
  HELLO: 129,
  STARTED: 130,
  FAILED: 131,
  OUTPUT: 132,
  OUTPUT_EOF: 133,
  EXIT: 134,
  CREDIT: 135,
  REPLY: 136,
  GONE: 137,
  ERROR: 138,
} as const;

export const SpawnFlag = {
  STDIN: 1,
  TERMINAL: 2,
  USER: 4,
  ADDITIVE: 8,
  NO_RIGHTS: 16,
  GROUPS: 32,
  OWN_RIGHTS: 64,
} as const;

export const SignalTarget = { PROCESS: 0, TREE: 2 } as const;

/** Of `HELLO`. */
export const Ability = { REAPS_ORPHANS: 1, SWITCHES_USERS: 2 } as const;

/** The other side has broken a rule of the protocol: nothing that it says can be trusted any more. */
export class ProtocolError extends Error {
  override get name(): string {
    return 'ProtocolError';
  }
}
