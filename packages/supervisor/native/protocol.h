// The numbers of docs/supervisor-protocol.md.
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

enum { PROTOCOL_VERSION = 1 };

enum {
  LENGTH_SIZE = 4,
  HEADER_SIZE = 5,  // type and id
  MAX_PAYLOAD = 65536,
  MAX_SPAWN_PAYLOAD = 8 * 1024 * 1024,
  INPUT_WINDOW = 65536,
};

enum from_client {
  CLIENT_HELLO = 1,
  SPAWN = 2,
  STDIN = 3,
  STDIN_EOF = 4,
  CLIENT_CREDIT = 5,
  SIGNAL = 6,
  RESIZE = 7,
  CONNECT = 8,
  CLOSE = 9,
  LIST = 10,
  LISTENING = 11,
  END_ALL = 12,
  PING = 13,
  MOVE = 14,
};

enum from_supervisor {
  HELLO = 129,
  STARTED = 130,
  FAILED = 131,
  OUTPUT = 132,
  OUTPUT_EOF = 133,
  EXIT = 134,
  CREDIT = 135,
  REPLY = 136,
  GONE = 137,
  ERROR = 138,
};

enum {
  SPAWN_STDIN = 1,
  SPAWN_TTY = 2,
  SPAWN_USER = 4,
  SPAWN_ADDS_ENV = 8,
  SPAWN_NO_RIGHTS = 16,
  SPAWN_GROUPS = 32,
  SPAWN_OWN_RIGHTS = 64,
};

enum phase {
  PHASE_RESOURCES = 1,
  PHASE_TTY = 2,
  PHASE_USER = 3,
  PHASE_CWD = 4,
  PHASE_EXEC = 5,
  PHASE_CONNECT = 6,
};

enum { TARGET_PROCESS = 0, TARGET_GROUP = 1, TARGET_TREE = 2 };
enum { HOW_CODE = 0, HOW_SIGNAL = 1, HOW_UNKNOWN = 2 };
enum { CAN_REAP = 1, CAN_SWITCH_USERS = 2 };

#endif
