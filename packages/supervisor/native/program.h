// Makes a process of a keeper's the program that was asked for.
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdint.h>
#include <sys/types.h>

#include "decode.h"
#include "streams.h"

// Why it is none: as in FAILED.
struct failure {
  int error;
  uint8_t phase, detail;
};

// The program's pid; -1 with a failure.
pid_t start_program(const struct spawn *spawn, const struct streams *streams, struct failure *failure);

// The limit of open files that programs get: the one that the supervisor was started with.
extern unsigned long original_open_files;

#endif
