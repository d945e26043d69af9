// What is different with a terminal.
#ifndef TERMINAL_H
#define TERMINAL_H

#include "channel.h"
#include "decode.h"

// False with errno, and with what has been opened.
bool make_terminal(const struct spawn *spawn, int *ours, int *theirs);
// Types the end-of-file character. False when the terminal does not take it yet.
bool end_terminal_input(struct channel *channel);
void channel_resize(struct channel *channel, uint16_t columns, uint16_t rows);

#endif
