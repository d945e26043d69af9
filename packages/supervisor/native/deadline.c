#define _GNU_SOURCE
#include "deadline.h"

#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "clock.h"
#include "order.h"
#include "spare.h"

void forget_deadline(struct channel *channel) {
  if (channel->deadline_ms != 0) channels.awaited--;
  channel->deadline_ms = 0;
}

void await_keeper(struct channel *channel, long patience_ms) {
  forget_deadline(channel);
  channel->deadline_ms = now_ms() + patience_ms;
  if (channels.awaited++ == 0 || channel->deadline_ms < channels.due_ms) channels.due_ms = channel->deadline_ms;
}

// Not reaped yet: its number is its own.
static bool is_child(pid_t pid) {
  siginfo_t info;
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static int end_late(struct channels *all) {
  if (all->awaited == 0) return -1;
  long now = now_ms();
  if (now < all->due_ms) return (int)(all->due_ms - now);
  all->due_ms = LONG_MAX;
  for (size_t i = 0; i < sizeof all->table / sizeof *all->table; i++) {
    for (struct channel *channel = all->table[i]; channel != NULL; channel = channel->next) {
      if (channel->deadline_ms == 0) continue;
      if (channel->deadline_ms <= now) {
        if (is_child(channel->keeper)) kill(channel->keeper, SIGKILL);
        // It has had its time: nobody else is tried.
        drop_order(&channel->order);
        channel->deadline_ms = now + KEEPER_PATIENCE_MS;
      }
      if (channel->deadline_ms < all->due_ms) all->due_ms = channel->deadline_ms;
    }
  }
  return (int)(all->due_ms - now);
}

int channels_end_late(struct channels *all) {
  int late_ms = end_late(all), spare_ms = end_spare();
  // While something runs, the next thing that happens is soon enough: a timer for each read would cost more.
  if (all->size > 0) spare_ms = -1;
  return late_ms < 0 || (spare_ms >= 0 && spare_ms < late_ms) ? spare_ms : late_ms;
}
