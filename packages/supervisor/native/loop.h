// What all parts of the loop share.
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"

// So much may wait for the client before output is no longer read. Answers and verdicts go on top: they are few.
enum { OUTPUT_ROOM = 256 * 1024 };

extern struct channels channels;

// Watches for these events, or for none.
void watch(struct source *source, uint32_t events);
void close_source(struct source *source);
void reply(uint32_t request, uint32_t error, const void *data, size_t size);
// False when there are too many, or for want of memory.
bool add_request(struct requests *requests, struct request request);
// All of them, with an errno or 0.
void answer_requests(struct requests *requests, uint32_t error);

#endif
