#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "deadline.h"
#include "keeper.h"
#include "order.h"
#include "protocol.h"
#include "spare.h"
#include "terminal.h"

extern char **environ;

static bool open_nothing(int *theirs) {
  *theirs = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (*theirs >= 0) return true;
  // Without devices: the end of a pipe that nobody writes to.
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  close(ends[1]);
  *theirs = ends[0];
  return true;
}

static bool open_input(struct channel *channel, int *theirs) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  *theirs = ends[0];
  channel->input.fd = ends[1];
  set_nonblocking(ends[1]);
  return true;
}

static bool open_output(struct output *output, int *theirs) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  *theirs = ends[1];
  output->source.fd = ends[0];
  set_nonblocking(ends[0]);
  return true;
}

static bool open_pipes(struct channel *channel, const struct spawn *spawn, struct streams *theirs) {
  bool with_input = spawn->flags & SPAWN_STDIN;
  if (!(with_input ? open_input(channel, &theirs->fd[0]) : open_nothing(&theirs->fd[0]))) return false;
  for (int i = 0; i < 2; i++) {
    if (!open_output(&channel->outputs[i], &theirs->fd[1 + i])) return false;
    channel->outputs[i].window = spawn->window[i];
  }
  // Another user opens /dev/stdout and the like by their paths. Not the null device: that is everybody's.
  for (int i = with_input ? 0 : 1; spawn->flags & SPAWN_USER && i < 3; i++) {
    // Who may not give files away starts the program all the same.
    if (fchown(theirs->fd[i], spawn->uid, spawn->gid) != 0) continue;
  }
  return true;
}

static bool open_terminal(struct channel *channel, const struct spawn *spawn, struct streams *theirs, uint8_t *phase) {
  int *ours = &channel->outputs[OUT].source.fd;
  *phase = PHASE_TTY;
  channel->outputs[OUT].window = spawn->window[OUT];
  channel->outputs[ERR].ended = true;
  if (!make_terminal(spawn, ours, &theirs->fd[1])) return false;
  *phase = PHASE_RESOURCES;
  set_nonblocking(*ours);
  // Who asked for no input reads its end at once, and not what is typed.
  if (spawn->flags & SPAWN_STDIN || !open_nothing(&theirs->fd[0])) theirs->fd[0] = theirs->fd[1];
  theirs->fd[2] = theirs->fd[1];
  // The loop watches the two directions apart.
  channel->input.fd = fcntl(*ours, F_DUPFD_CLOEXEC, 3);
  return channel->input.fd >= 0;
}

static bool find_keeper(struct channel *channel, const struct spawn *spawn, const struct streams *streams) {
  int link;
  channel->keeper = take_spare(spawn, streams, &link);
  if (channel->keeper > 0) channel->order = keep_order(spawn, streams);
  else channel->keeper = start_keeper(spawn, streams, &link);
  if (channel->keeper < 0) return false;
  channel->link.fd = link;
  watch(&channel->link, EPOLLIN);
  await_keeper(channel, START_PATIENCE_MS);
  return true;
}

void channel_spawn(uint32_t id, const struct spawn *spawn) {
  bool on_terminal = spawn->flags & SPAWN_TTY;
  struct channel *channel = new_channel(id, on_terminal ? TERMINAL : PROCESS);
  if (channel == NULL) {
    send_failed(id, PHASE_RESOURCES, 0, ENOMEM);
    return;
  }
  struct streams theirs = {{-1, -1, -1}};
  uint8_t phase = PHASE_RESOURCES;
  bool opened = on_terminal ? open_terminal(channel, spawn, &theirs, &phase) : open_pipes(channel, spawn, &theirs);
  bool begun = opened && find_keeper(channel, spawn, &theirs);
  int error = errno;
  if (channel->order == NULL) close_streams(&theirs);
  if (begun) return;
  send_failed(id, phase, 0, error);
  end_channel(channel);
}

bool spawn_again(struct channel *channel) {
  struct spawn spawn;
  struct order *order = channel->order;
  if (order == NULL || !decode_spawn(order->payload, order->size, environ, &spawn)) return false;
  channel->keeper = start_keeper(&spawn, &order->streams, &channel->link.fd);
  spawn_free(&spawn);
  drop_order(&channel->order);
  if (channel->keeper < 0) return false;
  // Its deadline stays: nobody waits for longer.
  watch(&channel->link, EPOLLIN);
  return true;
}
