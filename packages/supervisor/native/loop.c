#define _GNU_SOURCE
#include "loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "channel.h"

void watch(struct source *source, uint32_t events) {
  if (source->fd < 0 || source->watched == events) return;
  struct epoll_event event = {.events = events, .data.ptr = source};
  // Not "modify to nothing": the end of a pipe is reported all the same, again and again.
  int how = events == 0 ? EPOLL_CTL_DEL : source->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  // What cannot be watched (no memory, the kernel's limit) would be silent for ever: better no supervisor than a deaf one.
  if (epoll_ctl(channels.epoll, how, source->fd, &event) != 0) _exit(1);
  source->watched = events;
}

void close_source(struct source *source) {
  if (source->fd < 0) return;
  watch(source, 0);
  close(source->fd);
  source->fd = -1;
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }
