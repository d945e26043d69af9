// MOVE: the session leaves the stream that it has begun on for a unix socket, and the stream stays as its lease.
#ifndef MOVE_H
#define MOVE_H

#include <stdbool.h>

#include "decode.h"

struct move {
  // Leaving: the answer has not gone completely, and nothing may follow it on the stream.
  enum { MOVE_NONE, MOVE_LEAVING, MOVE_DONE } state;
  int in, out;  // the socket, twice: the loop watches the two directions apart
};
extern struct move move;

// Answers the frame. NULL, or the sentence about the rule that the client has broken.
const char *serve_move(struct reader *reader, bool has_started_something);

#endif
