// What a client has asked for, and its answers.
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Requests that are answered later.
struct requests {
  struct request {
    uint32_t number;
    uint8_t target, signal;
  } *list;
  size_t size;
};

void reply(uint32_t request, uint32_t error, const void *data, size_t size);
void send_failed(uint32_t id, uint8_t phase, uint8_t detail, int error);
// False when there are too many, or for want of memory.
bool add_request(struct requests *requests, struct request request);
// All of them, with an errno or 0.
void answer_requests(struct requests *requests, uint32_t error);

#endif
