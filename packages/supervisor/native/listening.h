#ifndef LISTENING_H
#define LISTENING_H

#include <stdbool.h>
#include <stdint.h>

// Whether something listens on this port, at 127.0.0.1 or at all addresses: proc(5), /proc/net/tcp.
bool is_listening(uint16_t port);

#endif
