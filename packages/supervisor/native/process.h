// What a keeper says about its process.
#ifndef PROCESS_H
#define PROCESS_H

#include "channel.h"

void link_ready(struct source *source, uint32_t events);

#endif
