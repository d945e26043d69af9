// Connections to ports inside.
#ifndef CONNECTION_H
#define CONNECTION_H

#include "channel.h"

// Answers STARTED or FAILED, later.
void channel_connect(uint32_t id, uint16_t port, uint32_t window);

#endif
