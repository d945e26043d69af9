// Answers frames.
#ifndef SERVE_H
#define SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "decode.h"
#include "request.h"

// NULL, or the sentence about the rule that the client has broken.
const char *serve(const struct frame *frame);
void say_hello(bool reaps_orphans);

// Ends everything that runs, as END_ALL asks: goes on at every turn of the loop until nothing is left.
struct ending {
  bool last;  // the supervisor ends with it
  bool begun;
  long kill_at_ms;
  struct requests requests;
};
extern struct ending ending;
// How long the loop may wait, in ms; -1 for ever.
int ending_step(void);
void begin_ending(long grace_ms);

// When the client sent its last PING; -1 before the first.
extern long last_ping_ms;

#endif
