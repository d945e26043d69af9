// companion-supervisor --account [USER][:GROUP] [--home DIRECTORY] [--name NAME]
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

struct account {
  uint32_t uid, gid;
  uint32_t *groups;  // the primary one first
  size_t group_count;
  const char *name;  // "" where it has none
  const char *home;
};

// Looks a user up in the files of this environment as Docker does for --user and USER, makes what is missing of its
// home and entries, and prints: uid, gid, home, name, and its groups with commas in between, each with a zero byte. What
// could not be made is a sentence on standard error. The exit code: 0, or 1 where there is no such user or group.
int account(const char *spec, const char *home, const char *name);

#endif
