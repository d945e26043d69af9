#define _GNU_SOURCE
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encode.h"
#include "loop.h"
#include "output.h"
#include "protocol.h"
#include "terminal.h"

enum { CREDIT_STEP = INPUT_WINDOW / 4 };

static void send_credit(struct channel *channel) {
  uint8_t bytes[4];
  put_number(bytes, channel->taken, 4);
  channel->input_window += channel->taken;
  channel->taken = 0;
  stream_frame(channels.stream, CREDIT, channel->id, bytes, sizeof bytes);
}

void took(struct channel *channel, size_t size) {
  channel->taken += (uint32_t)size;
  if (channel->taken >= CREDIT_STEP && channel->started) send_credit(channel);
}

static void close_input(struct channel *channel) {
  if (channel->kind == CONNECTION) shutdown(channel->input.fd, SHUT_WR);
  if (channel->kind != TERMINAL) close_source(&channel->input);
}

// The other side is gone: what has come from it can still be read, and then there is no more.
static void break_connection(struct channel *channel, int error) {
  channel->reset = (uint32_t)error;
  pump_and_watch(channel, OUT);
  end_if_gone(channel);
}

size_t write_input(struct channel *channel, const uint8_t *bytes, size_t size) {
  size_t done = 0;
  while (done < size && !channel->input_broken) {
    ssize_t gone = write(channel->input.fd, bytes + done, size - done);
    if (gone > 0) channel->last_input = bytes[(done += (size_t)gone) - 1];
    else if (gone < 0 && errno == EAGAIN) return done;
    else if (gone < 0 && errno != EINTR) {
      channel->input_broken = true;
      channel->input_error = errno;
    }
  }
  return channel->input_broken ? size : done;
}

void finish_input(struct channel *channel) {
  if (channel->kind == TERMINAL && !end_terminal_input(channel)) {
    watch(&channel->input, EPOLLOUT);
    return;
  }
  watch(&channel->input, 0);
  close_input(channel);
  end_if_gone(channel);
}

void input_ready(struct source *source, uint32_t events) {
  (void)events;
  struct channel *channel = source->channel;
  if (channel->pending != NULL) {
    size_t waiting = channel->pending_to - channel->pending_from;
    size_t done = write_input(channel, channel->pending + channel->pending_from, waiting);
    channel->pending_from += done;
    took(channel, done);
    if (channel->input_broken && channel->kind == CONNECTION) {
      break_connection(channel, channel->input_error);
      return;
    }
    if (done < waiting) return;
    free(channel->pending);
    channel->pending = NULL;
    channel->pending_from = channel->pending_to = 0;
  }
  if (channel->input_ending) finish_input(channel);
  else watch(source, 0);
}

bool channel_input(struct channel *channel, const uint8_t *bytes, size_t size) {
  if (size > channel->input_window || (channel->input_ending && channel->kind != TERMINAL)) return false;
  channel->input_window -= (uint32_t)size;
  if (channel->input.fd < 0) {
    took(channel, size);
    return true;
  }
  // Not into a connection that is being made: it would take the error that connection_ready() asks for.
  bool ready = channel->pending == NULL && (channel->started || channel->kind != CONNECTION);
  size_t done = ready ? write_input(channel, bytes, size) : 0;
  took(channel, done);
  if (channel->input_broken && channel->kind == CONNECTION) {
    break_connection(channel, channel->input_error);
    return true;
  }
  if (done == size) return true;
  if (channel->pending == NULL) channel->pending = malloc(INPUT_WINDOW);
  if (channel->pending == NULL) _exit(1);
  memmove(channel->pending, channel->pending + channel->pending_from, channel->pending_to - channel->pending_from);
  channel->pending_to -= channel->pending_from;
  channel->pending_from = 0;
  // There is room: what waits and what comes together are within the window.
  memcpy(channel->pending + channel->pending_to, bytes + done, size - done);
  channel->pending_to += size - done;
  watch(&channel->input, EPOLLOUT);
  return true;
}

void channel_end_input(struct channel *channel) {
  if (channel->input_ending) return;
  channel->input_ending = true;
  // A connection that is not made yet cannot be half-closed: connection_ready() does it.
  if (channel->kind == CONNECTION && !channel->started) return;
  if (channel->input.fd >= 0 && channel->pending == NULL) finish_input(channel);
}
