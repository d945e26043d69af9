#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "descriptors.h"
#include "program.h"
#include "tree.h"

enum { OWNER_GRACE_MS = 200, LONGEST_PAUSE_MS = 20 };

static bool reaps_orphans;
extern char **environ;

static void say(int link, const struct kept *kept) {
  // Nobody hears it when the supervisor is gone, which the loop notices.
  while (send(link, kept, sizeof *kept, MSG_NOSIGNAL) < 0 && errno == EINTR) continue;
}

static void say_out_of_reach(int link) {
  struct kept kept;
  memset(&kept, 0, sizeof kept);
  kept.what = KEPT_OUT_OF_REACH;
  say(link, &kept);
}

static uint64_t microseconds(struct timeval time) {
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

// Reaps what has ended, and says so when it was the program. False once there is no child left: then `last` is what
// has to be said.
static bool reap(int link, pid_t program, struct kept *last) {
  bool exited = false;
  for (;;) {
    int status;
    struct rusage usage;
    pid_t pid = wait4(-1, &status, WNOHANG, &usage);
    if (pid == 0 && exited) say(link, last);
    if (pid == 0) return true;
    if (pid < 0 && errno == ECHILD) break;
    if (pid != program) continue;
    exited = true;
    memset(last, 0, sizeof *last);  // also what is between its members: all of it is sent
    last->what = KEPT_EXITED;
    last->exited.status = status;
    last->exited.user_us = microseconds(usage.ru_utime);
    last->exited.system_us = microseconds(usage.ru_stime);
    last->exited.resident_bytes = (uint64_t)usage.ru_maxrss * 1024;
  }
  if (!exited) {
    memset(last, 0, sizeof *last);
    last->what = KEPT_NOTHING;
  }
  last->nothing_left = true;
  return false;
}

// Without /proc nobody knows the children: then at least the program's own group. False when it may reach none of those
// that are left.
static bool signal_tree(pid_t program, int signal) {
  bool refused = false;
  // An emulator may refuse to make a subreaper: orphans are lost to it, so that all must be reached before.
  bool done = reaps_orphans ? signal_children(signal, &refused) : signal_descendants(signal, &refused);
  if (!done) refused = kill(-program, signal) != 0 && errno == EPERM;
  return !refused;
}

// Until the last descendant has ended. Interrupted by SIGCHLD, which is blocked everywhere else. False when the supervisor
// is gone.
static bool keep(int link, pid_t program) {
  sigset_t awake;
  sigprocmask(SIG_SETMASK, NULL, &awake);
  sigdelset(&awake, SIGCHLD);
  bool killing = false;
  long kill_at = -1, pause_ms = 1;
  struct kept last;
  while (reap(link, program, &last)) {
    if (kill_at >= 0 && now_ms() >= kill_at) killing = true;
    if (killing && !signal_tree(program, SIGKILL) && link >= 0) {
      // It has become another user's. Whoever wants to try again says so.
      say_out_of_reach(link);
      killing = false;
    } else if (killing) {
      pause_ms = pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : pause_ms * 2;
    } else if (kill_at >= 0) {
      pause_ms = kill_at - now_ms() > 0 ? kill_at - now_ms() : 0;
    }
    struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000};
    struct pollfd said = {link, POLLIN, 0};
    bool alone = link < 0;
    if (ppoll(&said, alone ? 0 : 1, killing || kill_at >= 0 ? &pause : NULL, &awake) <= 0 || alone) continue;
    char what;
    ssize_t got = recv(link, &what, 1, MSG_DONTWAIT);
    if (got == 1) killing = true;
    if (got == 1 || (got < 0 && (errno == EAGAIN || errno == EINTR))) continue;
    // The supervisor is gone.
    close(link);
    link = -1;
    signal_tree(program, SIGTERM);
    kill_at = now_ms() + OWNER_GRACE_MS;
  }
  if (link >= 0) say(link, &last);
  return link >= 0;
}

// Descriptors of other programs must not be held open here.
static void close_others(int link, const struct streams *streams) {
  int keep_open[4] = {link, streams->fd[0], streams->fd[1], streams->fd[2]};
  int from = 3;
  for (;;) {
    // The lowest of those to keep, from here on.
    int next = INT_MAX;
    for (int i = 0; i < 4; i++) {
      if (keep_open[i] >= from && keep_open[i] < next) next = keep_open[i];
    }
    if (next > from) close_range_of(from, next - 1);
    if (next == INT_MAX) return;
    from = next + 1;
  }
}

static void wake(int signal) { (void)signal; }

// Starts the program and keeps its tree. False when the supervisor is gone.
static bool fulfil(const struct spawn *spawn, const struct streams *streams, int link) {
  struct failure failure;
  pid_t program = start_program(spawn, streams, &failure);
  struct kept kept;
  memset(&kept, 0, sizeof kept);
  if (program < 0) {
    kept.what = KEPT_FAILED;
    kept.nothing_left = true;
    kept.failed.phase = failure.phase;
    kept.failed.detail = failure.detail;
    kept.failed.error = failure.error;
  } else {
    kept.what = KEPT_STARTED;
    kept.pid = program;
  }
  say(link, &kept);
  close_streams(streams);
  return program < 0 || keep(link, program);
}

// The control message that brings the streams.
union rights {
  char bytes[CMSG_SPACE(sizeof(struct streams))];
  struct cmsghdr aligned;
};

// So that nobody gives the order again: from now on it is being fulfilled.
static void take_message(int link) {
  char byte;
  while (recv(link, &byte, 1, 0) < 0 && errno == EINTR) continue;
}

// Waits for one. False when the supervisor is gone, or has no more need of this keeper; or when it cannot take it all,
// which the supervisor hears from what is left unread.
static bool take_order(int link, struct spawn *spawn, struct streams *streams) {
  static uint8_t order[ORDER_SIZE];
  for (;;) {
    union rights rights;
    struct iovec place = {order, sizeof order};
    struct msghdr message = {.msg_iov = &place, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    ssize_t got = recvmsg(link, &message, MSG_PEEK | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL && got == 1) {
      // To end the tree that had ended already.
      take_message(link);
      continue;
    }
    if (header == NULL || header->cmsg_len != CMSG_LEN(sizeof *streams)) return false;
    memcpy(streams, CMSG_DATA(header), sizeof *streams);
    if (!decode_spawn(order, (size_t)got, environ, spawn)) return false;
    take_message(link);
    return true;
  }
}

static _Noreturn void be_keeper(const struct spawn *spawn, const struct streams *streams, int link) {
  close_others(link, streams);
  tree_share(false);
  reaps_orphans = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
  struct sigaction action = {.sa_handler = wake};
  sigaction(SIGCHLD, &action, NULL);
  struct streams next_streams;
  struct spawn next;
  if (!fulfil(spawn, streams, link)) _exit(0);
  while (take_order(link, &next, &next_streams) && fulfil(&next, &next_streams, link)) spawn_free(&next);
  _exit(0);
}

pid_t start_keeper(const struct spawn *spawn, const struct streams *streams, int *link) {
  int ends[2];
  // Messages keep their bounds, and the end of one side is heard by the other.
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  pid_t keeper = fork();
  if (keeper == 0) be_keeper(spawn, streams, ends[1]);
  int error = errno;
  close(ends[1]);
  if (keeper < 0) {
    close(ends[0]);
    errno = error;
    return -1;
  }
  *link = ends[0];
  return keeper;
}

bool order_keeper(int link, const struct spawn *spawn, const struct streams *streams) {
  union rights rights;
  memset(&rights, 0, sizeof rights);
  struct iovec order = {(void *)spawn->payload, spawn->size};
  struct msghdr message = {.msg_iov = &order, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof *streams), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(header), streams, sizeof *streams);
  return sendmsg(link, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)spawn->size;
}
