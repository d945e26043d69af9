// Processes and their descendants, from /proc.
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct member {
  pid_t pid;
  pid_t parent;
  pid_t group;
  char name[64];  // cut, and ends with a zero byte
};

struct members {
  struct member *list;
  size_t size;
};

// All descendants of `ancestor` that have not ended, parents before children. False without /proc or memory.
bool descendants_of(pid_t ancestor, struct members *members);
void members_free(struct members *members);

// With true, whoever asks before the next call or tree_forget() gets one and the same look at /proc: it costs too much for
// each of a thousand who ask at once. False at first.
void tree_share(bool for_this_turn);
// What is asked next has to know what has happened until now.
void tree_forget(void);

// Signals every child of this process, which must have one thread. Orphans of its tree become its children, so that
// doing it until there is none ends the tree. False without /proc or memory. `*refused` tells whether there were some and
// none may be signalled.
bool signal_children(int signal, bool *refused);
// The same for every descendant that is one now.
bool signal_descendants(int signal, bool *refused);

#endif
