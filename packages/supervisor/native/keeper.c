#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "descriptors.h"
#include "memory.h"
#include "protocol.h"
#include "rights.h"
#include "search.h"
#include "tree.h"

enum { OWNER_GRACE_MS = 200, LONGEST_PAUSE_MS = 20 };

unsigned long original_open_files = 1024;
static bool reaps_orphans;
extern char **environ;

struct failure {
  int error;
  uint8_t phase, detail;
};

// Where the program's process says why it is none: a pipe, which exec(2) closes. Not the memory that vfork(2) shares:
// under an emulator it shares none, and does not wait either.
static int failures[2];

static void fail_with(uint8_t phase, uint8_t detail, int error) {
  struct failure failure;
  memset(&failure, 0, sizeof failure);
  failure.error = error;
  failure.phase = phase;
  failure.detail = detail;
  _exit(write(failures[1], &failure, sizeof failure) < 0 ? 126 : 127);
}

static void fail(uint8_t phase, int error) { fail_with(phase, 0, error); }

static void take_terminal(int fd) {
  if (ioctl(fd, TIOCSCTTY, 0) != 0) fail(PHASE_TTY, errno);
}

static void take_streams(const struct streams *streams) {
  // All three are above 2, so that none is overwritten before it is copied.
  for (int i = 0; i < 3; i++) {
    if (dup2(streams->fd[i], i) < 0) fail(PHASE_RESOURCES, errno);
  }
}

// As execvp(3): what has no interpreter is for the shell. `argv` has two places more before it ends.
static void run_file(const char *file, char **argv, char *const *envp) {
  execve(file, argv, envp);
  if (errno != ENOEXEC) return;
  size_t size = 0;
  while (argv[size] != NULL) size++;
  memmove(argv + 2, argv + 1, size * sizeof *argv);
  argv[0] = (char *)"/bin/sh";
  argv[1] = (char *)file;
  execve("/bin/sh", argv, envp);
  errno = ENOEXEC;
}

struct execution {
  char **argv;
  char *const *envp;
  bool forbidden;  // one that may not be executed was passed over
};

// Returns only to look further.
static bool execute(const char *file, void *context) {
  struct execution *execution = context;
  bool searches = strchr(execution->argv[0], '/') == NULL;
  run_file(file, execution->argv, execution->envp);
  int error = errno;
  struct stat found;
  bool exists = stat(file, &found) == 0;
  // There, but without its interpreter.
  bool has_no_interpreter = error == ENOENT && exists;
  bool is_elsewhere = error == ENOENT || error == ENOTDIR || error == EACCES;
  if (!searches || has_no_interpreter || !is_elsewhere) fail_with(PHASE_EXEC, exists, error);
  if (error == EACCES) execution->forbidden = exists || execution->forbidden;
  return true;
}

static void run_program(char **argv, char *const *envp) {
  struct execution execution = {argv, envp, false};
  search_program(argv[0], envp, execute, &execution);
  fail_with(PHASE_EXEC, execution.forbidden, execution.forbidden ? EACCES : ENOENT);
}

// Between vfork(2) and exec(2): no allocation, nothing that another process would notice.
static void become_program(const struct spawn *spawn, const struct streams *streams) {
  setsid();
  if (spawn->flags & SPAWN_TTY) take_terminal(streams->fd[1]);
  take_streams(streams);
  memory_offer();
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = original_open_files;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  if (!take_rights(spawn)) fail(PHASE_USER, errno);
  if (chdir(spawn->cwd) != 0) fail(PHASE_CWD, errno);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  run_program(spawn->argv, spawn->envp);
}

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

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

// For a terminal it is one descriptor, or two.
static void close_streams(const struct streams *streams) {
  for (int i = 0; i < 3; i++) close(streams->fd[i]);
}

// The program's pid; -1 with a failure.
static pid_t start_program(const struct spawn *spawn, const struct streams *streams, struct failure *failure) {
  pid_t program = -1;
  if (pipe2(failures, O_CLOEXEC) == 0) program = vfork();
  if (program == 0) become_program(spawn, streams);
  *failure = (struct failure){errno, PHASE_RESOURCES, 0};
  if (program < 0) return -1;
  close(failures[1]);
  ssize_t got;
  while ((got = read(failures[0], failure, sizeof *failure)) < 0 && errno == EINTR) continue;
  close(failures[0]);
  if (got <= 0) return program;
  waitpid(program, NULL, 0);
  return -1;
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

// Waits for one. False when the supervisor is gone, or has no more need of this keeper.
static bool take_order(int link, struct spawn *spawn, struct streams *streams) {
  static uint8_t order[ORDER_SIZE];
  for (;;) {
    union rights rights;
    struct iovec place = {order, sizeof order};
    struct msghdr message = {.msg_iov = &place, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    ssize_t got = recvmsg(link, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    // To end the tree that had ended already.
    if (header == NULL && got == 1) continue;
    // Who cannot take it all ends: that is an answer, too.
    if (header == NULL || header->cmsg_len != CMSG_LEN(sizeof *streams)) return false;
    memcpy(streams, CMSG_DATA(header), sizeof *streams);
    return decode_spawn(order, (size_t)got, environ, spawn);
  }
}

static _Noreturn void be_keeper(const struct spawn *spawn, const struct streams *streams, int link) {
  close_others(link, streams);
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
