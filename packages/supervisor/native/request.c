#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "encode.h"
#include "protocol.h"

void reply(uint32_t request, uint32_t error, const void *data, size_t size) {
  uint8_t *payload = stream_reserve(channels.stream, 8 + size);
  put_number(payload, request, 4);
  put_number(payload + 4, error, 4);
  if (size > 0) memcpy(payload + 8, data, size);
  stream_commit(channels.stream, REPLY, 0, 8 + size);
}

void send_failed(uint32_t id, uint8_t phase, uint8_t detail, int error) {
  uint8_t payload[8] = {phase, detail};
  put_number(payload + 4, (uint32_t)error, 4);
  stream_frame(channels.stream, FAILED, id, payload, sizeof payload);
}

bool add_request(struct requests *requests, struct request request) {
  enum { MOST = 1024 };
  if (requests->size == MOST) return false;
  struct request *more = realloc(requests->list, (requests->size + 1) * sizeof *more);
  if (more == NULL) return false;
  requests->list = more;
  requests->list[requests->size++] = request;
  return true;
}

void answer_requests(struct requests *requests, uint32_t error) {
  for (size_t i = 0; i < requests->size; i++) reply(requests->list[i].number, error, NULL, 0);
  free(requests->list);
  *requests = (struct requests){NULL, 0};
}
