// Want of memory: whether the kernel has ended a process for it, and whom it shall end first.
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>

// Finds the counter of this process's control group, if there is one.
void memory_watch(void);
// Whether the kernel has ended one process more than this has said before. Asked when one has died of SIGKILL.
bool memory_ran_out(void);

// In a program's process, before it is executed: makes it a likelier victim than the supervisor, if that is the first
// process of its pid namespace, whose end would be everybody's.
void memory_offer(void);

#endif
