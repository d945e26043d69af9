#define _GNU_SOURCE
#include "stray.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spare.h"
#include "tree.h"

enum { STRAY_LOOKS = 100 };

static bool is_keeper(const struct channels *all, pid_t pid) {
  for (size_t i = 0; i < sizeof all->table / sizeof *all->table; i++) {
    for (const struct channel *channel = all->table[i]; channel != NULL; channel = channel->next) {
      if (channel->keeper == pid && channel->link.fd >= 0) return true;
    }
  }
  return is_spare(pid);
}

bool channels_kill_strays(const struct channels *all) {
  struct members members;
  if (!all->has_strays) return false;
  tree_forget();
  if (!descendants_of(getpid(), &members)) return false;
  bool found = false;
  for (size_t i = 0; i < members.size; i++) {
    const struct member *member = &members.list[i];
    if (member->parent != getpid() || is_keeper(all, member->pid)) continue;
    // Who may not be killed is not waited for.
    found = kill(member->pid, SIGKILL) == 0 || errno != EPERM || found;
  }
  members_free(&members);
  return found;
}

// A keeper that has gone without its last word was killed, and what it kept is the supervisor's own: once it has ended.
// That is at once: it has closed its descriptors. Somebody may have reaped it already.
void take_over(const struct channel *channel) {
  while (waitpid(channel->keeper, NULL, 0) < 0 && errno == EINTR) continue;
  channels.has_strays = true;
  // Level by level: what a stray leaves comes here when it is reaped. Until then nobody may be told that it is gone.
  for (int look = 0; look < STRAY_LOOKS && channels_kill_strays(&channels); look++) {
    usleep(1000);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  }
}
