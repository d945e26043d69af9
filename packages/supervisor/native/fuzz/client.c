#define _GNU_SOURCE
#include "client.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../decode.h"
#include "../protocol.h"

enum { IDS = 16, ROOM = 1 << 20, TOKENS = 64 };

// Windows only grow here: whether a credit was for a channel that had ended cannot be known, and the sums are what
// may have been allowed at most.
static struct {
  bool asked, started, exited, eof[2];
  uint64_t window[2];
} ids[IDS];
static uint8_t came[ROOM];
static size_t came_size;
static bool greeted, over, moved;
static uint8_t tokens[TOKENS][16];
static size_t token_count;

static void expect(bool kept) {
  if (!kept) abort();
}

static uint32_t number(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void client_begin(void) {
  memset(ids, 0, sizeof ids);
  came_size = 0;
  greeted = over = moved = false;
  token_count = 0;
}

static bool is_token(const uint8_t *said) {
  for (size_t i = 0; i < token_count && i < TOKENS; i++) {
    if (memcmp(said, tokens[i], sizeof *tokens) == 0) return true;
  }
  return token_count > TOKENS;
}

void client_moves(int fd) {
  uint8_t said[sizeof *tokens];
  // The answer was the last word on the old stream, and all of it has come.
  expect(!moved && came_size == 0);
  expect(read(fd, said, sizeof said) == (ssize_t)sizeof said && is_token(said));
  moved = true;
}

void client_sends(uint8_t type, uint32_t id, const uint8_t *payload, size_t size) {
  if (type == MOVE && size >= 4 + sizeof *tokens && token_count++ < TOKENS) {
    memcpy(tokens[token_count - 1], payload + 4, sizeof *tokens);
  }
  if (id >= IDS) return;
  if (type == SPAWN && size >= 12) {
    ids[id].asked = true;
    for (int i = 0; i < 2; i++) ids[id].window[i] += number(payload + 4 + 4 * i);
  }
  if (type == CONNECT && size >= 8) {
    ids[id].asked = true;
    ids[id].window[0] += number(payload + 4);
  }
  if (type == CLIENT_CREDIT && size >= 5 && (payload[0] == 1 || payload[0] == 2)) {
    ids[id].window[payload[0] - 1] += number(payload + 1);
  }
}

// STARTED comes first, GONE last, EXIT and OUTPUT_EOF once, and nothing exceeds its window.
static void check_channel(const struct frame *frame) {
  const uint8_t *payload = frame->payload;
  if (frame->id >= IDS) return;
  expect(ids[frame->id].asked);
  bool *started = &ids[frame->id].started, *exited = &ids[frame->id].exited, *eof = ids[frame->id].eof;
  expect(*started == (frame->type != STARTED && frame->type != FAILED));
  size_t stream = frame->size > 0 ? (size_t)payload[0] - 1 : 2;
  switch (frame->type) {
    case STARTED:
      *started = true;
      return;
    case OUTPUT:
      expect(stream < 2 && !eof[stream] && frame->size > 1 && ids[frame->id].window[stream] >= frame->size - 1);
      ids[frame->id].window[stream] -= frame->size - 1;
      return;
    case OUTPUT_EOF:
      expect(stream < 2 && !eof[stream] && frame->size == 1);
      eof[stream] = true;
      return;
    case EXIT:
      expect(!*exited && frame->size == 28);
      *exited = true;
      return;
    case CREDIT:
      expect(frame->size == 4 && number(payload) <= INPUT_WINDOW);
      return;
    case FAILED:
    case GONE:
      // The id may be asked for again; what was allowed before is not taken back.
      *started = *exited = eof[0] = eof[1] = false;
      return;
    default:
      abort();
  }
}

static void check_frame(const struct frame *frame) {
  expect(!over);
  expect(greeted == (frame->type != HELLO));
  switch (frame->type) {
    case HELLO:
      expect(frame->size == 20 && frame->id == 0);
      greeted = true;
      return;
    case REPLY:
      expect(frame->size >= 8 && frame->id == 0);
      return;
    case ERROR:
      over = true;
      return;
    default:
      check_channel(frame);
  }
}

void client_receives(int fd, size_t most) {
  size_t room = ROOM - came_size;
  ssize_t got = read(fd, came + came_size, most < room ? most : room);
  if (got <= 0) return;
  came_size += (size_t)got;
  struct frame frame;
  size_t whole, from = 0;
  for (enum decoded decoded; from < came_size; from += whole) {
    decoded = decode_frame(came + from, came_size - from, &frame, &whole);
    expect(decoded != DECODED_WRONG);
    if (decoded == DECODED_NEED_MORE) break;
    check_frame(&frame);
  }
  memmove(came, came + from, came_size - from);
  came_size -= from;
}
