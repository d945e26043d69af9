// The stream to the client: what has come and is not decoded yet, and what has to go.
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

struct stream {
  int in, out;
  uint8_t *came;
  size_t came_from, came_to, came_room;
  uint8_t *going;
  size_t going_from, going_to, going_room;
  // Bytes of a pipe that go before those of `going` at `at`, without being copied.
  struct {
    int fd;
    size_t at, left;
  } passing;
  bool cannot_pass, widened;
};

bool stream_open(struct stream *stream, int in, int out);

// Reads what is there. False at the end of the stream, however it came; errno is ENOMEM for want of memory.
bool stream_receive(struct stream *stream);
// The next frame that has come as a whole; it is valid until the next call of either.
enum decoded stream_next(struct stream *stream, struct frame *frame);

// Adds a frame. Without memory the process ends: a client that has missed one cannot be served.
void stream_frame(struct stream *stream, uint8_t type, uint32_t id, const void *payload, size_t size);
// Place for a frame's payload, and then the frame, of the size that it has got; 0 takes the place back.
uint8_t *stream_reserve(struct stream *stream, size_t size);
void stream_commit(struct stream *stream, uint8_t type, uint32_t id, size_t size);

// Adds a frame of `first` and of `size` bytes that are in a pipe, which nobody may read until there is room again. Only
// where stream_can_pass().
bool stream_can_pass(const struct stream *stream);
void stream_pass(struct stream *stream, uint8_t type, uint32_t id, uint8_t first, int fd, size_t size);
// Before a pipe is closed: what has to go of it is copied.
void stream_let_go(struct stream *stream, int fd);

// Bytes that have to go, and whether output may be added to them.
size_t stream_waiting(const struct stream *stream);
bool stream_has_room(const struct stream *stream);
// Writes what can be written. False when the stream is broken.
bool stream_flush(struct stream *stream);
// Forgets them: nobody is there to read.
void stream_drop(struct stream *stream);
// The same, and nothing goes any more: its descriptors are somebody else's soon.
void stream_end(struct stream *stream);

#endif
