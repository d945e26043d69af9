// What surrounds the supervisor under the fuzzer: no process, no connection and no clock is real.
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOTS = 16 };

// The other ends of a program's streams and of its keeper's link, or of a connection; -1 where there is none.
struct slot {
  enum { SILENT, SAID_STARTED, SAID_EXITED, SPARE } said;
  bool ordered;  // and has not read it yet
  int link;
  int link_there;  // the supervisor's end
  int streams[3];
};

extern struct slot world[SLOTS];
// The client's end of the unix socket that the supervisor has connected to last; -1 for none. Its taker closes it.
extern int world_met;
extern int64_t world_ms;

void world_begin(void);
// Everything that the supervisor has outside ends.
void world_end(void);
void close_end(int *fd);
// It reads what it was ordered, and what it was told before.
void world_takes_order(struct slot *slot);
// A keeper has nothing to keep any more.
void world_spares(struct slot *slot);

#endif
