// Input: from the client to programs and connections, as fast as they read.
#ifndef INPUT_H
#define INPUT_H

#include "channel.h"

// So many bytes more are done with: the client gets credit for them, in large steps.
void took(struct channel *channel, size_t size);
// Writes what it can; the number of bytes that are done with. A reader that has gone takes everything.
size_t write_input(struct channel *channel, const uint8_t *bytes, size_t size);
// All has been written, and its end was asked for.
void finish_input(struct channel *channel);
void input_ready(struct source *source, uint32_t events);

// False when the client has broken a rule.
bool channel_input(struct channel *channel, const uint8_t *bytes, size_t size);
void channel_end_input(struct channel *channel);

#endif
