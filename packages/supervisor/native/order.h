// An order that a spare keeper got. It may end before it takes it, and then another one gets the same.
#ifndef ORDER_H
#define ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "streams.h"

struct order {
  struct streams streams;
  size_t size;
  uint8_t payload[];  // of SPAWN
};

// Keeps what was ordered, and takes over the streams. NULL for want of memory: then they are still the caller's.
struct order *keep_order(const struct spawn *spawn, const struct streams *streams);
// Fulfilled, or given up. It may be NULL, and is then.
void drop_order(struct order **order);

#endif
