// Starts processes.
#ifndef SPAWN_H
#define SPAWN_H

#include "channel.h"
#include "decode.h"

// Answers STARTED or FAILED, later.
void channel_spawn(uint32_t id, const struct spawn *spawn);
// Gives the order of a spare keeper, which has ended without taking it, to a new one. False when there is none to give.
bool spawn_again(struct channel *channel);

#endif
