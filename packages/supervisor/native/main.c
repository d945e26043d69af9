// The supervisor, and the other programs of the same file: see docs/supervisor-protocol.md.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "arguments.h"
#include "channel.h"
#include "clock.h"
#include "deadline.h"
#include "descriptors.h"
#include "idle.h"
#include "keeper.h"
#include "list.h"
#include "loop.h"
#include "memory.h"
#include "move.h"
#include "output.h"
#include "program.h"
#include "protocol.h"
#include "resolve.h"
#include "rights.h"
#include "serve.h"
#include "spare.h"
#include "stray.h"
#include "text.h"
#include "tree.h"

// keyctl(2), from linux/keyctl.h, which musl does not bring.
enum { JOIN_SESSION_KEYRING = 1 };
enum { OWNER_GRACE_MS = 200, LEASE_MS = 60 * 1000, EVENTS = 256, FRAMES_AT_ONCE = 256 };
// More than this waiting for a client that does not read: nothing more is asked of it.
enum { ANSWER_ROOM = 4 * OUTPUT_ROOM };

static struct stream stream;
static struct source stream_in, stream_out, signals;
static struct source lease = {-1, 0, NULL, NULL};  // the stream that the session has left
static bool owner_gone;
static bool frames_wait;  // more has come than one turn serves, or than there is room to answer

static void lose_owner(void) {
  if (owner_gone) return;
  owner_gone = true;
  close_source(&stream_in);
  close_source(&stream_out);
  close_source(&lease);
  stream_end(&stream);
  begin_ending(OWNER_GRACE_MS);
  ending.last = true;
}

static void break_off(const char *sentence) {
  stream_frame(&stream, ERROR, 0, sentence, strlen(sentence));
  stream_flush(&stream);
  lose_owner();
}

static void serve_all(void) {
  struct frame frame;
  frames_wait = false;
  for (int served = 0;; served++) {
    if (owner_gone || move.state == MOVE_LEAVING) return;
    // Verdicts, output and the owner's end have their turn, however much is asked at once.
    if (served == FRAMES_AT_ONCE || stream_waiting(&stream) > ANSWER_ROOM) {
      frames_wait = true;
      return;
    }
    switch (stream_next(&stream, &frame)) {
      case DECODED_NEED_MORE:
        return;
      case DECODED_WRONG:
        break_off("a frame is longer than frames are");
        return;
      case DECODED_FRAME: {
        const char *wrong = serve(&frame);
        if (wrong != NULL) break_off(wrong);
      }
    }
  }
}

static void stream_in_ready(struct source *source, uint32_t events) {
  (void)source, (void)events;
  if (!stream_receive(&stream)) lose_owner();
  else serve_all();
}

static void stream_out_ready(struct source *source, uint32_t events) { (void)source, (void)events; }

static void signals_ready(struct source *source, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info;
  while (read(source->fd, &info, sizeof info) == (ssize_t)sizeof info) {
    // From outside this pid namespace, or from whoever has started this: it shall end. From inside, nobody may.
    // Who queues a signal may claim to be anybody; kill(2) cannot.
    bool outside = info.ssi_pid == 0 || (pid_t)info.ssi_pid == getppid();
    if (info.ssi_signo == SIGTERM && outside && info.ssi_code == SI_USER) lose_owner();
  }
  // Keepers, and as the first process of a namespace whatever else has lost its parent. Who has stopped a keeper wants to
  // get away from it.
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
    if (WIFSTOPPED(status)) kill(pid, SIGCONT);
  }
  channels_kill_strays(&channels);
}

// Only its end is of interest. Whoever else can write to it (an engine lets others attach) says nothing to us.
static void lease_ready(struct source *source, uint32_t events) {
  (void)events;
  char dropped[4096];
  ssize_t got = read(source->fd, dropped, sizeof dropped);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) lose_owner();
}

// The stream's output stays open, and silent: an engine takes its end for the end of the attached stream.
static void finish_move(void) {
  watch(&stream_in, 0);
  watch(&stream_out, 0);
  lease = (struct source){stream_in.fd, 0, NULL, lease_ready};
  watch(&lease, EPOLLIN);
  stream_in.fd = stream.in = move.in;
  stream_out.fd = stream.out = move.out;
  stream.came_from = stream.came_to = 0;
  move.state = MOVE_DONE;
}

static void flush(void) {
  if (owner_gone) {
    stream_drop(&stream);
    return;
  }
  if (!stream_flush(&stream)) {
    lose_owner();
    return;
  }
  if (move.state == MOVE_LEAVING && stream_waiting(&stream) == 0) finish_move();
  watch(&stream_out, stream_waiting(&stream) > 0 ? EPOLLOUT : 0);
  // Who does not read the answers is not asked for more.
  watch(&stream_in, move.state == MOVE_LEAVING || stream_waiting(&stream) > ANSWER_ROOM ? 0 : EPOLLIN);
}

// How long nothing has to be done, in ms; -1 for ever.
static int patience(void) {
  int ending_ms = ending_step(), late_ms = channels_end_late(&channels);
  if (late_ms >= 0 && (ending_ms < 0 || late_ms < ending_ms)) ending_ms = late_ms;
  if (owner_gone || last_ping_ms < 0) return ending_ms;
  long lease_ms = last_ping_ms + LEASE_MS - now_ms();
  if (lease_ms <= 0) {
    lose_owner();
    return 0;
  }
  return ending_ms >= 0 && ending_ms < lease_ms ? ending_ms : (int)lease_ms;
}

// Something has waited for room, and has it now: what has been flushed makes no event.
static bool may_go_on(void) {
  if (frames_wait && !owner_gone && stream_waiting(&stream) <= ANSWER_ROOM) return true;
  return (channels.starved != NULL || channels.listed > 0) && stream_has_room(&stream);
}

// Waits for something to do and does it. False when all is over.
static bool turn(void) {
  struct epoll_event events[EVENTS];
  int wait_ms = patience();
  flush();
  // Which may have found that nobody is there any more.
  if (owner_gone) wait_ms = patience();
  if (owner_gone && !ending.begun) return false;
  if (may_go_on()) wait_ms = 0;
  int count = epoll_wait(channels.epoll, events, EVENTS, wait_ms);
  tree_share(true);
  for (int i = 0; i < count; i++) {
    struct source *source = events[i].data.ptr;
    // Closed by an event of this batch before it.
    if (source->fd >= 0 && source->watched != 0) source->ready(source, events[i].events);
  }
  channels_free_ended(&channels);
  if (stream_has_room(&stream)) channels_feed(&channels), channels_list(&channels);
  if (!owner_gone && stream_waiting(&stream) <= ANSWER_ROOM) serve_all();
  return true;
}

// The stream gets descriptors that no program can inherit or reach; 0, 1 and 2 are nobody's.
static bool take_stream(int from, int to) {
  enum { IN = 3, OUT_FD = 4, FREE = 5 };
  int in = fcntl(from, F_DUPFD, FREE), out = fcntl(to, F_DUPFD, FREE);
  if (in < 0 || out < 0 || dup3(in, IN, O_CLOEXEC) < 0 || dup3(out, OUT_FD, O_CLOEXEC) < 0) return false;
  // Whatever this program's parent had open and was inherited by mistake is nobody's here.
  close_range_of(FREE, INT_MAX);
  if (!stream_open(&stream, IN, OUT_FD)) return false;
  int nothing = open("/dev/null", O_RDWR);
  int pipes[2];
  // Without devices: the end of a pipe will do.
  if (nothing < 0 && pipe2(pipes, O_CLOEXEC) == 0) nothing = pipes[1];
  for (int fd = 0; fd < 3; fd++) {
    if (nothing < 0 || (fd != nothing && dup2(nothing, fd) < 0)) return false;
  }
  if (nothing > 2) close(nothing);
  set_nonblocking(stream.in);
  set_nonblocking(stream.out);
  return true;
}

static void raise_open_files(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  original_open_files = files.rlim_cur;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

static int take_signals(void) {
  sigset_t taken;
  // Programs begin with every signal as usual, whatever this process was started with.
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  sigfillset(&taken);
  sigprocmask(SIG_SETMASK, &taken, NULL);
  sigemptyset(&taken);
  sigaddset(&taken, SIGCHLD);
  sigaddset(&taken, SIGTERM);
  return signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int supervise(const struct arguments *arguments) {
  bool reaps_orphans = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 || getpid() == 1;
  // In an environment of its own: the keys of whoever has started this are not for what runs inside.
  if (getpid() == 1) syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL);
  raise_open_files();
  channels.stream = &stream;
  allowed_capabilities = arguments->capabilities;
  most_spare = (size_t)arguments->spares;
  if (!take_stream(arguments->from, arguments->to) || (channels.epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) return 1;
  memory_watch();
  stream_in = (struct source){stream.in, 0, NULL, stream_in_ready};
  stream_out = (struct source){stream.out, 0, NULL, stream_out_ready};
  signals = (struct source){take_signals(), 0, NULL, signals_ready};
  if (signals.fd < 0) return 1;
  watch(&signals, EPOLLIN);
  say_hello(reaps_orphans);
  while (turn()) continue;
  return 0;
}

int main(int argc, char **argv) {
  (void)argc;
  struct arguments arguments;
  if (!read_arguments(argv, &arguments)) {
    fputs(USAGE, stderr);
    return 2;
  }
  // Nobody may trace it, or open what it has open.
  prctl(PR_SET_DUMPABLE, 0);
  switch (arguments.what) {
    case SAY_VERSION:
      print(stdout, "companion-supervisor, protocol ", decimal(PROTOCOL_VERSION).text, "\n", NULL);
      return 0;
    case RESOLVE:
      return resolve(arguments.file);
    case ACCOUNT:
      return account(arguments.user, arguments.home, arguments.name);
    case IDLE:
      return idle(arguments.idle_seconds);
    default:
      return supervise(&arguments);
  }
}
