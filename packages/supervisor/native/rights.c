#define _GNU_SOURCE
#include "rights.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol.h"

uint64_t allowed_capabilities = EVERY_CAPABILITY;

static bool is_allowed(uint64_t allowed, int capability) {
  return capability < CAPABILITY_BITS && (allowed >> capability & 1) != 0;
}

// Nothing that this process executes gets any of the others, also not as uid 0. Who has none to give away, and may not
// touch the set, is protected by no_new_privs alone, and that suffices: only a set-user-id file could give some.
static bool limit_bounding_set(uint64_t allowed, bool no_new_privs_follows) {
  for (int capability = 0;; capability++) {
    int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held < 0) return true;
    if (held == 0 || is_allowed(allowed, capability)) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    return no_new_privs_follows && errno == EPERM && geteuid() != 0;
  }
}

// The ambient set goes with the inheritable one.
static bool limit_own(uint64_t allowed) {
  // capget(2), version 3, from linux/capability.h, which musl does not bring.
  struct { uint32_t version; int pid; } header = {0x20080522, 0};
  struct { uint32_t effective, permitted, inheritable; } sets[2];
  if (syscall(SYS_capget, &header, sets) != 0) return false;
  for (int half = 0; half < 2; half++) {
    uint32_t mask = (uint32_t)(allowed >> (32 * half));
    sets[half].effective &= mask;
    sets[half].permitted &= mask;
    sets[half].inheritable &= mask;
  }
  return syscall(SYS_capset, &header, sets) == 0;
}

// The raw calls: those of a C library reach other threads, and this process shares its memory with its parent.
bool switch_user(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t group_count) {
  // Those stay with a user who is not root before.
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return syscall(SYS_setgroups, group_count, groups) == 0 && syscall(SYS_setgid, gid) == 0 &&
         syscall(SYS_setuid, uid) == 0;
}

bool take_rights(const struct spawn *spawn) {
  bool none = spawn->flags & SPAWN_NO_RIGHTS;
  uint64_t allowed = none ? 0 : spawn->flags & SPAWN_OWN_RIGHTS ? EVERY_CAPABILITY : allowed_capabilities;
  bool limited = allowed != EVERY_CAPABILITY;
  // The bounding set first: who has become another user may not change it any more.
  if (limited && !limit_bounding_set(allowed, none)) return false;
  if (spawn->flags & SPAWN_USER && !switch_user(spawn->uid, spawn->gid, spawn->groups, spawn->group_count)) return false;
  if (limited && !limit_own(allowed)) return false;
  return !none || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
