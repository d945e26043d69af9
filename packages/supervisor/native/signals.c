#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "deadline.h"
#include "keeper.h"
#include "process.h"
#include "protocol.h"
#include "request.h"

static void tell_keeper(struct channel *channel) {
  if (channel->link.fd >= 0 && !channel->told) await_keeper(channel, KEEPER_PATIENCE_MS);
  channel->told = true;
  channel->out_of_reach = false;
  char what = KEEPER_KILL;
  // A keeper that is told already, or is ending, needs no second word.
  if (channel->link.fd >= 0) send(channel->link.fd, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Without its keeper nothing is left of the tree, and the keeper's number may be another process's.
bool members_of(const struct channel *channel, struct members *members) {
  *members = (struct members){NULL, 0};
  return channel->link.fd < 0 || descendants_of(channel->keeper, members);
}

// An errno when there were some and none was reached; `group` is 0 for the whole tree.
static uint32_t signal_members(const struct channel *channel, pid_t group, uint8_t signal) {
  struct members members;
  if (!members_of(channel, &members)) {
    if (channel->exited || kill(-channel->pid, signal) == 0 || errno == ESRCH) return 0;
    return (uint32_t)errno;
  }
  uint32_t error = 0;
  bool reached = false;
  for (size_t i = 0; i < members.size; i++) {
    if (group != 0 && members.list[i].group != group) continue;
    if (kill(members.list[i].pid, signal) == 0) reached = true;
    else if (errno != ESRCH) error = (uint32_t)errno;
  }
  members_free(&members);
  return reached ? 0 : error;
}

static uint32_t signal_program(const struct channel *channel, bool group, uint8_t signal) {
  // Its number may be another process's, but what it has left is known.
  if (channel->exited) return group ? signal_members(channel, channel->pid, signal) : 0;
  if (kill(group ? -channel->pid : channel->pid, signal) == 0 || errno == ESRCH) return 0;
  return (uint32_t)errno;
}

void deliver(struct channel *channel, struct request asked) {
  uint32_t error = 0;
  if (asked.signal == SIGKILL) channel->killed_by_client = true;
  if (channel->kind == CONNECTION) {
    error = ESRCH;
  } else if (asked.target == TARGET_TREE && asked.signal == SIGKILL) {
    if (channel->link.fd >= 0) {
      tell_keeper(channel);
      if (add_request(&channel->waiting, asked)) return;
      error = EAGAIN;
    }
  } else if (!channel->started) {
    // Nobody knows yet whom to signal.
    if (add_request(&channel->early, asked)) return;
    error = EAGAIN;
  } else if (asked.target == TARGET_TREE) {
    error = signal_members(channel, 0, asked.signal);
  } else {
    error = signal_program(channel, asked.target == TARGET_GROUP, asked.signal);
  }
  reply(asked.number, error, NULL, 0);
}

void channel_signal(struct channel *channel, uint32_t request, uint8_t target, uint8_t signal) {
  // Whether the program has ended meanwhile: its number is another process's as soon as its keeper has reaped it.
  if (channel->link.fd >= 0) link_ready(&channel->link, EPOLLIN);
  if (channel_find(&channels, channel->id) == channel) deliver(channel, (struct request){request, target, signal});
  else reply(request, 0, NULL, 0);
}

void channels_kill(struct channels *all) {
  for (size_t i = 0; i < sizeof all->table / sizeof *all->table; i++) {
    for (struct channel *channel = all->table[i]; channel != NULL; channel = channel->next) tell_keeper(channel);
  }
}
