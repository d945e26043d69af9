// The command line.
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct arguments {
  enum { SUPERVISE, IDLE, RESOLVE, ACCOUNT, SAY_VERSION } what;
  int from, to;           // the stream; the same descriptor twice for a socket
  uint64_t capabilities;  // that programs may have at most
  long spares;            // keepers that wait for a program, at most
  const char *idle;       // as it was given
  long idle_seconds;
  const char *file;       // to resolve
  // Of an account; NULL where none was given.
  const char *user, *home, *name;
};

// False for what this program does not take.
bool read_arguments(char *const *argv, struct arguments *arguments);

extern const char USAGE[];

#endif
