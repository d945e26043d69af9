#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encode.h"
#include "loop.h"
#include "protocol.h"

// What goes is asked for until OUTPUT_ROOM is full, and a frame more: with less it would be resized again and again.
enum { CAME_ROOM = 256 * 1024, GOING_ROOM = OUTPUT_ROOM + 2 * MAX_PAYLOAD, PASSING_ROOM = 1024 * 1024 };

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
    stream->passing.at -= stream->going_from;
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

bool stream_can_pass(const struct stream *stream) { return !stream->cannot_pass; }

// An engine's pipe has room for one frame, and whoever reads it waits for every one. A longer one is a part of what its user
// may have in all (pipe(7)): only for those who need it. Where there is too much already, it stays as it is.
static void widen(struct stream *stream) {
  if (stream->widened) return;
  stream->widened = true;
  int room = PASSING_ROOM;
  if (fcntl(stream->out, F_SETPIPE_SZ, room) < 0) setsockopt(stream->out, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
}

void stream_pass(struct stream *stream, uint8_t type, uint32_t id, uint8_t first, int fd, size_t size) {
  widen(stream);
  uint8_t *place = stream_reserve(stream, 1);
  place[0] = first;
  stream_commit(stream, type, id, 1);
  // The frame is longer than what is committed of it.
  put_number(place - HEADER_SIZE - LENGTH_SIZE, HEADER_SIZE + 1 + size, 4);
  stream->passing.fd = fd;
  stream->passing.at = stream->going_to;
  stream->passing.left = size;
}

static void copy_passing(struct stream *stream) {
  size_t left = stream->passing.left;
  stream_reserve(stream, left);
  uint8_t *place = stream->going + stream->passing.at;
  memmove(place + left, place, stream->going_to - stream->passing.at);
  stream->going_to += left;
  stream->passing.left = 0;
  while (left > 0) {
    ssize_t got = read(stream->passing.fd, place, left);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    place += got;
    left -= (size_t)got;
  }
  // Taken by the program that had written it, which can open its own pipe: the frame's length has been said.
  memset(place, 0, left);
}

void stream_let_go(struct stream *stream, int fd) {
  if (stream->passing.left > 0 && stream->passing.fd == fd) copy_passing(stream);
}

size_t stream_waiting(const struct stream *stream) {
  return stream->going_to - stream->going_from + stream->passing.left;
}

// Not while bytes pass: the pipe that they are in might be read meanwhile.
bool stream_has_room(const struct stream *stream) {
  return stream->passing.left == 0 && stream_waiting(stream) < OUTPUT_ROOM;
}

// What the kernel cannot move, or has been taken by the program that had written it, is copied.
static bool pass(struct stream *stream) {
  ssize_t moved = splice(stream->passing.fd, NULL, stream->out, NULL, stream->passing.left, SPLICE_F_NONBLOCK);
  if (moved > 0) return stream->passing.left -= (size_t)moved, true;
  if (moved < 0 && errno == EINTR) return true;
  int there = 0;
  if (moved < 0 && errno == EAGAIN && ioctl(stream->passing.fd, FIONREAD, &there) == 0 && there > 0) {
    return errno = EAGAIN, false;
  }
  if (moved < 0 && errno == EPIPE) return false;
  if (moved < 0 && errno != EAGAIN) stream->cannot_pass = true;
  copy_passing(stream);
  return true;
}

static bool write_some(struct stream *stream, size_t end) {
  ssize_t gone = write(stream->out, stream->going + stream->going_from, end - stream->going_from);
  if (gone > 0) stream->going_from += (size_t)gone;
  return gone >= 0 || errno == EINTR;
}

bool stream_flush(struct stream *stream) {
  while (stream_waiting(stream) > 0) {
    size_t end = stream->passing.left > 0 ? stream->passing.at : stream->going_to;
    if (!(stream->going_from < end ? write_some(stream, end) : pass(stream))) return errno == EAGAIN;
  }
  stream->going_from = stream->going_to = 0;
  if (stream->going_room > GOING_ROOM) resize(&stream->going, &stream->going_room, GOING_ROOM);
  return true;
}

void stream_drop(struct stream *stream) {
  // Also out of their pipe: else they were found there again.
  if (stream->passing.left > 0) copy_passing(stream);
  stream->going_from = stream->going_to = 0;
}

void stream_end(struct stream *stream) {
  stream_drop(stream);
  stream->in = stream->out = -1;
  stream->cannot_pass = true;
}
