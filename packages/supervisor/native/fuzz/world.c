#define _GNU_SOURCE
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../keeper.h"
#include "../listening.h"
#include "../memory.h"
#include "../program.h"
#include "../tree.h"

enum { FIRST_KEEPER = 100000 };

struct slot world[SLOTS];
int world_met = -1;
static int meeting = -1;  // the other end of a unix socket that is not connected yet
int64_t world_ms;
unsigned long original_open_files;
static unsigned taken;
static bool over;

void close_end(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void empty(struct slot *slot) {
  slot->said = SILENT;
  slot->ordered = false;
  close_end(&slot->link);
  for (int i = 0; i < 3; i++) close_end(&slot->streams[i]);
}

void world_begin(void) {
  for (int i = 0; i < SLOTS; i++) world[i] = (struct slot){SILENT, false, -1, -1, {-1, -1, -1}};
  world_ms = 1000;
  taken = 0;
  over = false;
}

void world_end(void) {
  over = true;
  for (int i = 0; i < SLOTS; i++) empty(&world[i]);
  close_end(&world_met);
  close_end(&meeting);
}

static void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

// The oldest gives its place to the newest.
static struct slot *take_slot(void) {
  struct slot *slot = &world[taken++ % SLOTS];
  empty(slot);
  return slot;
}

static void take_streams(struct slot *slot, const struct streams *streams) {
  for (int i = 0; i < 3; i++) {
    slot->streams[i] = fcntl(streams->fd[i], F_DUPFD_CLOEXEC, 3);
    set_nonblocking(slot->streams[i]);
  }
}

pid_t start_keeper(const struct spawn *spawn, const struct streams *streams, int *link) {
  // A user id of this number stands for a system without processes to spare.
  if (spawn->uid == 0xdead) return errno = EAGAIN, -1;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) abort();
  pid_t pid = FIRST_KEEPER + (pid_t)taken;
  struct slot *slot = take_slot();
  slot->link = ends[1];
  slot->link_there = ends[0];
  take_streams(slot, streams);
  *link = ends[0];
  if (over) empty(slot);
  return pid;
}

void world_takes_order(struct slot *slot) {
  char bytes[2];
  while (slot->ordered && recv(slot->link, bytes, sizeof bytes, MSG_DONTWAIT) > 0) continue;
  slot->ordered = false;
}

void world_spares(struct slot *slot) {
  slot->said = SPARE;
  for (int i = 0; i < 3; i++) close_end(&slot->streams[i]);
}

bool order_keeper(int link, const struct spawn *spawn, const struct streams *streams) {
  (void)spawn;
  char byte;
  for (int i = 0; i < SLOTS; i++) {
    // One whose supervisor's end was closed is nobody's, and its number another's.
    bool open = world[i].link >= 0 && recv(world[i].link, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
    if (!open || world[i].said != SPARE || world[i].link_there != link) continue;
    world[i].said = SILENT;
    take_streams(&world[i], streams);
    // The order: who ends without having read it has not taken it.
    world[i].ordered = send(link, &world[i], 2, MSG_NOSIGNAL | MSG_DONTWAIT) == 2;
    return world[i].ordered;
  }
  return false;
}

bool descendants_of(pid_t ancestor, struct members *members) {
  *members = (struct members){NULL, 0};
  if (ancestor != getpid() && ancestor < FIRST_KEEPER) abort();
  members->list = calloc(2, sizeof *members->list);
  members->list[0] = (struct member){200000, ancestor, 300000, "child"};
  members->list[1] = (struct member){200001, 200000, 200001, "grandchild"};
  // The supervisor's own are keepers, and those of killed ones, which end at once.
  members->size = ancestor == getpid() ? 0 : 2;
  return true;
}

void members_free(struct members *members) { free(members->list); }
void tree_share(bool for_this_turn) { (void)for_this_turn; }
void tree_forget(void) {}
bool is_listening(uint16_t port) { return port & 1; }
bool memory_ran_out(void) { return true; }
void memory_watch(void) {}
void memory_offer(void) {}

int __wrap_kill(pid_t pid, int number) {
  // Never everybody, never the own group, never what was not started here.
  if (pid > -FIRST_KEEPER && pid < FIRST_KEEPER) abort();
  return number > 64 ? (errno = EINVAL, -1) : 0;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options) {
  (void)pid, (void)status, (void)options;
  return errno = ECHILD, -1;
}

void __wrap__exit(int code) { (void)code, abort(); }

int __real_epoll_wait(int epoll, struct epoll_event *events, int most, int wait_ms);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int most, int wait_ms) {
  int count = __real_epoll_wait(epoll, events, most, 0);
  // Who would have waited gets there at once.
  if (count == 0 && wait_ms > 0) world_ms += wait_ms;
  return count;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
  (void)clock;
  *now = (struct timespec){world_ms / 1000, world_ms % 1000 * 1000000};
  return 0;
}

int __wrap_socket(int domain, int type, int protocol) {
  (void)protocol;
  int ends[2];
  if (socketpair(AF_UNIX, type, 0, ends) != 0) abort();
  if (domain == AF_UNIX) {
    close_end(&meeting);
    meeting = ends[1];
    return ends[0];
  }
  struct slot *slot = take_slot();
  slot->streams[0] = ends[1];
  return ends[0];
}

static int meet(const struct sockaddr *address) {
  // Paths that begin so stand for sockets that nobody listens at.
  if (address->sa_data[0] == 'x') return errno = ECONNREFUSED, -1;
  close_end(&world_met);
  world_met = meeting;
  meeting = -1;
  return 0;
}

// The bytes of the port as they are in memory: three ways of beginning.
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size) {
  (void)fd, (void)size;
  if (address->sa_family == AF_UNIX) return meet(address);
  switch (address->sa_data[1] & 3) {
    case 0:
      return 0;
    case 1:
      return errno = ECONNREFUSED, -1;
    default:
      return errno = EINPROGRESS, -1;
  }
}
