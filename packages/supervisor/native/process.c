#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "deadline.h"
#include "encode.h"
#include "input.h"
#include "keeper.h"
#include "loop.h"
#include "memory.h"
#include "order.h"
#include "output.h"
#include "protocol.h"
#include "request.h"
#include "signals.h"
#include "spare.h"
#include "spawn.h"
#include "stray.h"

static void remember_exit(struct channel *channel, const struct kept *kept) {
  int status = kept->exited.status;
  uint8_t *exit = channel->exit;
  memset(exit, 0, sizeof channel->exit);
  if (WIFSIGNALED(status)) {
    exit[0] = HOW_SIGNAL;
    exit[1] = (uint8_t)WTERMSIG(status);
    exit[2] = WTERMSIG(status) == SIGKILL && memory_ran_out() && !channel->killed_by_client;
  } else {
    exit[0] = HOW_CODE;
    exit[1] = (uint8_t)WEXITSTATUS(status);
  }
  put_number(exit + 4, kept->exited.user_us, 8);
  put_number(exit + 12, kept->exited.system_us, 8);
  put_number(exit + 20, kept->exited.resident_bytes, 8);
  channel->exited = true;
}

// With what has come for it meanwhile.
static void told_started(struct channel *channel, pid_t pid) {
  if (!channel->told) forget_deadline(channel);
  drop_order(&channel->order);
  uint8_t payload[4];
  put_number(payload, (uint32_t)pid, 4);
  channel->pid = pid;
  channel->started = true;
  stream_frame(channels.stream, STARTED, channel->id, payload, sizeof payload);
  took(channel, 0);
  for (int i = 0; i < 2; i++) {
    if (channel->outputs[i].closed_early) channel_close_output(channel, i);
    else pump_and_watch(channel, i);
  }
  struct requests early = channel->early;
  channel->early = (struct requests){NULL, 0};
  for (size_t i = 0; i < early.size; i++) deliver(channel, early.list[i]);
  free(early.list);
}

// For the next program.
static void leave(struct channel *channel) {
  int link = channel->link.fd;
  watch(&channel->link, 0);
  channel->link.fd = -1;
  leave_keeper(channel->keeper, link);
}

// Nothing is left of it.
static void tree_ended(struct channel *channel) {
  forget_deadline(channel);
  answer_requests(&channel->waiting, 0);
  if (!channel->exited) {
    memset(channel->exit, 0, sizeof channel->exit);
    channel->exit[0] = HOW_UNKNOWN;
    channel->exited = true;
  }
  send_exit(channel);
  end_if_gone(channel);
}

static void heard(struct channel *channel, const struct kept *kept) {
  switch (kept->what) {
    case KEPT_STARTED:
      told_started(channel, kept->pid);
      break;
    case KEPT_FAILED:
      leave(channel);
      send_failed(channel->id, kept->failed.phase, kept->failed.detail, kept->failed.error);
      end_channel(channel);
      return;
    case KEPT_EXITED:
      remember_exit(channel, kept);
      send_exit(channel);
      break;
    case KEPT_OUT_OF_REACH:
      forget_deadline(channel);
      channel->told = false;
      channel->out_of_reach = true;
      answer_requests(&channel->waiting, EPERM);
      break;
    case KEPT_NOTHING:
      break;
  }
  if (!kept->nothing_left) return;
  leave(channel);
  tree_ended(channel);
}

// `untaken`: it has not read the last of what it was told.
static void keeper_ended(struct channel *channel, bool untaken) {
  // Which is its order, so that nothing was started. Somebody has killed it while it was spare.
  if (untaken && !channel->told && spawn_again(channel)) return;
  take_over(channel);
  if (channel->started) {
    tree_ended(channel);
    return;
  }
  send_failed(channel->id, PHASE_RESOURCES, 0, EAGAIN);
  end_channel(channel);
}

// unix(7): that the other end was closed before it had read everything.
static bool is_untaken(int link) {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(link, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == ECONNRESET;
}

void link_ready(struct source *source, uint32_t events) {
  (void)events;
  struct channel *channel = source->channel;
  bool untaken = false;
  for (;;) {
    struct kept kept;
    ssize_t got = recv(source->fd, &kept, sizeof kept, MSG_DONTWAIT);
    if (got == (ssize_t)sizeof kept) {
      heard(channel, &kept);
      if (source->fd < 0) return;
      continue;
    }
    if (got < 0 && errno == ECONNRESET) {
      // Its last words come after that.
      untaken = true;
      continue;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // It may have ended between the two looks of one recv(2).
    untaken = is_untaken(source->fd) || untaken;
    close_source(source);
    keeper_ended(channel, untaken);
    return;
  }
}
