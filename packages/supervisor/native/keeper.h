// A keeper is a process between the supervisor and a program that it has started: the subreaper of that program, so that
// every descendant of it, wherever it went, stays below the keeper. It says how the program ended, and ends what is
// left when told to, or when the supervisor is gone. After the last of them it waits for another order.
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "decode.h"
#include "streams.h"

// What a keeper says, one message each; KEPT_OUT_OF_REACH: it may not kill what is left. Its end without the last of them
// tells that somebody has killed it.
struct kept {
  enum { KEPT_STARTED = 1, KEPT_FAILED, KEPT_EXITED, KEPT_OUT_OF_REACH, KEPT_NOTHING } what;
  bool nothing_left;  // the last about this tree: after KEPT_FAILED, KEPT_NOTHING, and mostly KEPT_EXITED
  union {
    pid_t pid;
    struct {
      uint8_t phase, detail;
      int error;
    } failed;
    struct {
      int status;  // as of waitpid(2)
      uint64_t user_us, system_us, resident_bytes;
    } exited;
  };
};

// What a keeper is told: to end the tree, in one byte; or an order, which is longer, and has a limit.
enum { KEEPER_KILL = 'K', ORDER_SIZE = 64 * 1024 };

// Starts a keeper, which starts the program. Returns the keeper's pid and, in `*link`, the socket to it; -1 with errno.
pid_t start_keeper(const struct spawn *spawn, const struct streams *streams, int *link);
// Orders the same from one that has nothing to keep, with a payload of ORDER_SIZE at most. False when nobody is there.
bool order_keeper(int link, const struct spawn *spawn, const struct streams *streams);

#endif
