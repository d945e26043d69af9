#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "loop.h"
#include "protocol.h"

// What goes is asked for until OUTPUT_ROOM is full, and a frame more: with less it would be resized again and again.
enum { CAME_ROOM = 256 * 1024, GOING_ROOM = OUTPUT_ROOM + 2 * MAX_PAYLOAD };

bool stream_open(struct stream *stream, int in, int out) {
  *stream = (struct stream){.in = in, .out = out};
  stream->came = malloc(CAME_ROOM);
  stream->going = malloc(GOING_ROOM);
  stream->came_room = CAME_ROOM;
  stream->going_room = GOING_ROOM;
  return stream->came != NULL && stream->going != NULL;
}

// Moves what is there to the front.
static void compact(uint8_t *bytes, size_t *from, size_t *to) {
  if (*from == 0) return;
  memmove(bytes, bytes + *from, *to - *from);
  *to -= *from;
  *from = 0;
}

static bool resize(uint8_t **bytes, size_t *room, size_t wanted) {
  uint8_t *moved = realloc(*bytes, wanted);
  if (moved == NULL) return false;
  *bytes = moved;
  *room = wanted;
  return true;
}

bool stream_receive(struct stream *stream) {
  compact(stream->came, &stream->came_from, &stream->came_to);
  struct frame frame;
  size_t whole;
  decode_frame(stream->came, stream->came_to, &frame, &whole);
  // A large frame gets its place while it comes, and gives it back.
  size_t wanted = whole > CAME_ROOM ? whole : CAME_ROOM;
  if (stream->came_room != wanted && stream->came_to <= wanted) {
    if (!resize(&stream->came, &stream->came_room, wanted)) return errno = ENOMEM, false;
  }
  // Full of frames that were not served yet: to read nothing would look like the end.
  if (stream->came_to == stream->came_room) return true;
  for (;;) {
    ssize_t got = read(stream->in, stream->came + stream->came_to, stream->came_room - stream->came_to);
    if (got > 0) return stream->came_to += (size_t)got, true;
    if (got < 0 && errno == EINTR) continue;
    return got < 0 && errno == EAGAIN;
  }
}

enum decoded stream_next(struct stream *stream, struct frame *frame) {
  size_t whole;
  const uint8_t *bytes = stream->came + stream->came_from;
  enum decoded decoded = decode_frame(bytes, stream->came_to - stream->came_from, frame, &whole);
  if (decoded == DECODED_FRAME) stream->came_from += whole;
  return decoded;
}

uint8_t *stream_reserve(struct stream *stream, size_t size) {
  size_t wanted = LENGTH_SIZE + HEADER_SIZE + size;
  if (stream->going_room - stream->going_to < wanted) {
    compact(stream->going, &stream->going_from, &stream->going_to);
    size_t needed = stream->going_to + wanted;
    if (needed > stream->going_room && !resize(&stream->going, &stream->going_room, needed * 2)) _exit(1);
  }
  return stream->going + stream->going_to + LENGTH_SIZE + HEADER_SIZE;
}

void stream_commit(struct stream *stream, uint8_t type, uint32_t id, size_t size) {
  uint8_t *at = stream->going + stream->going_to;
  put_number(at, HEADER_SIZE + size, 4);
  at[4] = type;
  put_number(at + 5, id, 4);
  stream->going_to += LENGTH_SIZE + HEADER_SIZE + size;
}

void stream_frame(struct stream *stream, uint8_t type, uint32_t id, const void *payload, size_t size) {
  uint8_t *place = stream_reserve(stream, size);
  if (size > 0) memcpy(place, payload, size);
  stream_commit(stream, type, id, size);
}

size_t stream_waiting(const struct stream *stream) { return stream->going_to - stream->going_from; }

bool stream_flush(struct stream *stream) {
  while (stream_waiting(stream) > 0) {
    ssize_t gone = write(stream->out, stream->going + stream->going_from, stream_waiting(stream));
    if (gone < 0 && errno == EINTR) continue;
    if (gone < 0) return errno == EAGAIN;
    stream->going_from += (size_t)gone;
  }
  stream->going_from = stream->going_to = 0;
  if (stream->going_room > GOING_ROOM) resize(&stream->going, &stream->going_room, GOING_ROOM);
  return true;
}
