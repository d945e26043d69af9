// What killed keepers have left to the supervisor.
#ifndef STRAY_H
#define STRAY_H

#include "channel.h"

// Ends what the channel's keeper has left, which was killed.
void take_over(const struct channel *channel);
// Ends all strays. Again whenever a child has ended: it may leave children, too. Whether there was any.
bool channels_kill_strays(const struct channels *channels);

#endif
