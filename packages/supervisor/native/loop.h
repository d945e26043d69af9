// What the loop watches.
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

// So much may wait for the client before output is no longer read. Answers and verdicts go on top: they are few.
enum { OUTPUT_ROOM = 256 * 1024 };

struct channel;

// A descriptor that the loop watches, and what is done when it is ready.
struct source {
  int fd;
  uint32_t watched;  // events of epoll(7); 0 when it is not watched
  struct channel *channel;
  void (*ready)(struct source *source, uint32_t events);
};

// Watches for these events, or for none.
void watch(struct source *source, uint32_t events);
void close_source(struct source *source);
void set_nonblocking(int fd);

#endif
