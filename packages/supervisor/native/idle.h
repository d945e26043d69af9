// companion-supervisor --idle SECONDS
#ifndef IDLE_H
#define IDLE_H

// The first process of a pid namespace that has no owner: others are started in it from outside, supervisors above all.
// Ends when nobody else has been there for so long, or with TERM from outside. Returns the exit code.
int idle(long seconds);

#endif
