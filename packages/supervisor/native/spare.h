// Keepers that have nothing to keep: the next program is started by one of them, which costs a fraction of a fork.
#ifndef SPARE_H
#define SPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "keeper.h"

// As many as commands mostly run at once; each is a process, which counts where processes are limited.
enum { MOST_SPARE = 8 };
// How many there may be, MOST_SPARE at most.
extern size_t most_spare;

// Orders the program from one of them. Its pid and, in `*link`, the socket to it; 0 when there is none. One that ends
// before it has taken the order leaves it unread.
pid_t take_spare(const struct spawn *spawn, const struct streams *streams, int *link);
// Takes over a keeper that has said that nothing is left of its tree.
void leave_keeper(pid_t keeper, int link);

// Whether that child of the supervisor's is one of them.
bool is_spare(pid_t pid);
// Ends those that were not needed for a while. How long until the next one is due, in ms; -1 when there is none.
int end_spare(void);

#endif
