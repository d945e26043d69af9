#define _GNU_SOURCE
#include "idle.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum { LOOK_MS = 1000, GRACE_MS = 200, KILL_AGAIN_MS = 20, LAST_MS = 2000 };

static void reap(void) {
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
}

// kill(2): every process of the namespace but this one. Those that came from outside are nobody's children here, so
// that their end has no signal, and without /proc there is no list of them.
static bool is_alone(void) { return kill(-1, 0) != 0 && errno == ESRCH; }

// Waits for a signal: an end of a child, or TERM. True when somebody outside the namespace wants this to end: a number
// of a process inside cannot be 0, and who queues a signal may claim to be anybody.
static bool told_to_end(long wait_ms) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGTERM);
  struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
  siginfo_t info;
  return sigtimedwait(&awaited, &info, &wait) == SIGTERM && info.si_code == SI_USER && info.si_pid == 0;
}

static void wait_until_idle(long seconds) {
  for (long seen_ms = now_ms(); now_ms() - seen_ms < seconds * 1000;) {
    long left_ms = seen_ms + seconds * 1000 - now_ms();
    if (told_to_end(left_ms > 0 && left_ms < LOOK_MS ? left_ms : LOOK_MS)) return;
    reap();
    if (!is_alone()) seen_ms = now_ms();
  }
}

static void end_others(void) {
  long begun_ms = now_ms();
  kill(-1, SIGTERM);
  for (reap(); !is_alone(); reap()) {
    long spent_ms = now_ms() - begun_ms;
    // Whatever is left goes with this process.
    if (spent_ms > LAST_MS) return;
    if (spent_ms >= GRACE_MS) kill(-1, SIGKILL);
    told_to_end(KILL_AGAIN_MS);
  }
}

int idle(long seconds) {
  if (getpid() != 1) {
    fputs("--idle is for the first process of a pid namespace\n", stderr);
    return 2;
  }
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  wait_until_idle(seconds);
  end_others();
  return 0;
}
