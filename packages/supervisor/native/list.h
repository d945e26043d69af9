// Lists of descendants. One look into /proc answers all who have asked for the same.
#ifndef LIST_H
#define LIST_H

#include "channel.h"

// Answered later, with others that ask for the same.
void channel_list(struct channel *channel, uint32_t request);
// Answers who has asked, for as long as there is room.
void channels_list(struct channels *channels);

#endif
