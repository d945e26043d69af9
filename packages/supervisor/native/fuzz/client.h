// The client's side under the fuzzer: what it has asked for, and whether what comes back keeps the rules of
// docs/supervisor-protocol.md. A broken one aborts.
#ifndef CLIENT_H
#define CLIENT_H

#include <stddef.h>
#include <stdint.h>

void client_begin(void);
// Notes what a frame of the client's allows.
void client_sends(uint8_t type, uint32_t id, const uint8_t *payload, size_t size);
// Goes on with another stream, which has to begin with the token of a MOVE.
void client_moves(int fd);
// Reads what has come, at most so much.
void client_receives(int fd, size_t most);

#endif
