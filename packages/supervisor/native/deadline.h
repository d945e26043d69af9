// Keepers that do not do in time what they have to: somebody inside has stopped them.
#ifndef DEADLINE_H
#define DEADLINE_H

#include "channel.h"

// A keeper needs a few milliseconds to end hundreds of processes.
enum { KEEPER_PATIENCE_MS = 500, START_PATIENCE_MS = 30 * 1000 };

void await_keeper(struct channel *channel, long patience_ms);
void forget_deadline(struct channel *channel);
// Ends those that are late, and those that nobody needs. How long until the next one is due, in ms; -1 when nothing is
// awaited.
int channels_end_late(struct channels *channels);

#endif
