#include "spare.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

enum { SPARE_MS = 1000 };

size_t most_spare = MOST_SPARE;
static struct {
  pid_t pid;
  int link;
} spare[MOST_SPARE];
static size_t count;
static long used_ms;  // the last time that one was taken or left

pid_t take_spare(const struct spawn *spawn, const struct streams *streams, int *link) {
  used_ms = now_ms();
  // The last one first: what it needs is still in the processor's caches.
  while (count > 0 && spawn->size <= ORDER_SIZE) {
    count--;
    *link = spare[count].link;
    if (order_keeper(*link, spawn, streams)) return spare[count].pid;
    // Somebody has killed it.
    close(*link);
  }
  return 0;
}

void leave_keeper(pid_t keeper, int link) {
  used_ms = now_ms();
  if (count >= most_spare) {
    // It ends by itself, when it finds that nobody is there.
    close(link);
    return;
  }
  spare[count].pid = keeper;
  spare[count++].link = link;
}

// Not one that has ended: its number may be another process's by now.
static bool is_there(int link) {
  char byte;
  return recv(link, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool is_spare(pid_t pid) {
  for (size_t i = 0; i < count; i++) {
    if (spare[i].pid == pid) return is_there(spare[i].link);
  }
  return false;
}

int end_spare(void) {
  if (count == 0) return -1;
  long left_ms = used_ms + SPARE_MS - now_ms();
  if (left_ms > 0) return (int)left_ms;
  while (count > 0) close(spare[--count].link);
  return -1;
}
