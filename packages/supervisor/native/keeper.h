// A keeper is a process between the supervisor and a program that it has started: the subreaper of that program, so that
// every descendant of it, wherever it went, stays below the keeper. It says how the program ended, ends what is
// left when told to, or when the supervisor is gone, and ends with the last of them.
#ifndef KEEPER_H
#define KEEPER_H

#include <stdint.h>
#include <sys/types.h>

#include "decode.h"

// What a keeper says, one message each; its end is the end of the tree.
struct kept {
  enum { KEPT_STARTED = 1, KEPT_FAILED, KEPT_EXITED, KEPT_NOTHING } what;
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

// What a keeper is told: end the tree. There is nothing else to say.
enum { KEEPER_KILL = 'K' };

// A program's standard streams; the same descriptor three times for a terminal.
struct streams {
  int fd[3];
};

// Starts a keeper, which starts the program. Returns the keeper's pid and, in `*link`, the socket to it; -1 with errno.
pid_t start_keeper(const struct spawn *spawn, const struct streams *streams, int *link);

// The limit of open files that programs get: the one that the supervisor was started with.
extern unsigned long original_open_files;

#endif
