// Signals to processes, their groups and their trees.
#ifndef SIGNALS_H
#define SIGNALS_H

#include "channel.h"
#include "tree.h"

// The descendants of a process. False without /proc or memory.
bool members_of(const struct channel *channel, struct members *members);
void deliver(struct channel *channel, struct request asked);

void channel_signal(struct channel *channel, uint32_t request, uint8_t target, uint8_t signal);
// Tells the keepers to end what they keep.
void channels_kill(struct channels *channels);

#endif
