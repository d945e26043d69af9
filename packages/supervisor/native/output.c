#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "protocol.h"
#include "request.h"

enum { READ_SIZE = MAX_PAYLOAD - 1, MUCH = 16 * 1024, WIDE = 256 * 1024 };

static void end_output(struct channel *channel, int index) {
  struct output *output = &channel->outputs[index];
  if (output->ended) return;
  output->ended = true;
  close_output(output);
  uint8_t stream = (uint8_t)(index + 1);
  stream_frame(channels.stream, OUTPUT_EOF, channel->id, &stream, 1);
}

// Who writes much gets a longer pipe, and waits less often for the next look into it. Where the kernel gives none, because
// this user has too many, it stays as it is.
static void widen(const struct channel *channel, struct output *output, size_t got) {
  if (output->widened || channel->kind != PROCESS || got < MUCH) return;
  output->widened = true;
  fcntl(output->source.fd, F_SETPIPE_SZ, WIDE);
}

// Who has written much, and has done so again, is not copied. False where that does not help.
static bool pass(struct channel *channel, int index, size_t most) {
  struct output *output = &channel->outputs[index];
  int there;
  if (!output->widened || !stream_can_pass(channels.stream)) return false;
  if (ioctl(output->source.fd, FIONREAD, &there) != 0 || there < MUCH) return false;
  size_t size = (size_t)there < most ? (size_t)there : most;
  stream_pass(channels.stream, OUTPUT, channel->id, (uint8_t)(index + 1), output->source.fd, size);
  output->window -= (uint32_t)size;
  // A stream that is broken is found to be so when it is flushed again.
  stream_flush(channels.stream);
  return true;
}

// Moves what is there to the client, straight into the place that it goes from.
static enum pumped pump(struct channel *channel, int index) {
  struct output *output = &channel->outputs[index];
  for (;;) {
    if (output->ended) return PUMPED_ENDED;
    if (output->window == 0) return PUMPED_NO_WINDOW;
    if (!stream_has_room(channels.stream)) return PUMPED_NO_ROOM;
    size_t most = output->window < READ_SIZE ? output->window : READ_SIZE;
    if (pass(channel, index, most)) continue;
    uint8_t *place = stream_reserve(channels.stream, 1 + most);
    ssize_t got = read(output->source.fd, place + 1, most);
    if (got > 0) {
      place[0] = (uint8_t)(index + 1);
      stream_commit(channels.stream, OUTPUT, channel->id, 1 + (size_t)got);
      output->window -= (uint32_t)got;
      widen(channel, output, (size_t)got);
      // What is less than asked for was all: another look costs more than it finds. A terminal gives it in pieces.
      if ((size_t)got < most && channel->kind != TERMINAL && !channel->exited) return PUMPED_EMPTY;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return PUMPED_EMPTY;
    if (got < 0 && channel->kind == CONNECTION) channel->reset = (uint32_t)errno;
    // Also EIO: a terminal's last user has gone.
    end_output(channel, index);
    return PUMPED_ENDED;
  }
}

static void starve(struct channel *channel) {
  if (channel->starved) return;
  channel->starved = true;
  channel->next_starved = channels.starved;
  channels.starved = channel;
}

enum pumped pump_and_watch(struct channel *channel, int index) {
  enum pumped pumped = pump(channel, index);
  // Who may send no more is not watched: it would be reported again and again.
  watch(&channel->outputs[index].source, pumped == PUMPED_EMPTY ? EPOLLIN : 0);
  if (pumped == PUMPED_NO_ROOM) starve(channel);
  return pumped;
}

void send_exit(struct channel *channel) {
  if (!channel->exited || channel->exit_sent) return;
  for (int i = 0; i < 2; i++) {
    if (pump_and_watch(channel, i) == PUMPED_NO_ROOM) return;
  }
  channel->exit_sent = true;
  stream_frame(channels.stream, EXIT, channel->id, channel->exit, sizeof channel->exit);
}

void output_ready(struct source *source, uint32_t events) {
  (void)events;
  struct channel *channel = source->channel;
  pump_and_watch(channel, source == &channel->outputs[OUT].source ? OUT : ERR);
  end_if_gone(channel);
}

void channels_feed(struct channels *all) {
  struct channel *channel = all->starved;
  all->starved = NULL;
  while (channel != NULL) {
    struct channel *next = channel->next_starved;
    channel->starved = false;
    if (channel_find(all, channel->id) == channel) {
      for (int i = 0; i < 2; i++) pump_and_watch(channel, i);
      send_exit(channel);
      end_if_gone(channel);
    }
    channel = next;
  }
}

bool channel_credit(struct channel *channel, uint8_t stream, uint32_t bytes) {
  if (stream != 1 && stream != 2) return false;
  struct output *output = &channel->outputs[stream - 1];
  if (bytes > UINT32_MAX - output->window) return false;
  output->window += bytes;
  if (channel->started && !output->ended && output->source.watched == 0) {
    pump_and_watch(channel, stream - 1);
    end_if_gone(channel);
  }
  return true;
}

// Closed without another word to the other side.
static void reset_connection(struct channel *channel) {
  struct linger at_once = {1, 0};
  int fd = channel->outputs[OUT].source.fd;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close_source(&channel->input);
}

void channel_close_output(struct channel *channel, int index) {
  if (channel->kind == CONNECTION && !channel->started) {
    send_failed(channel->id, PHASE_CONNECT, 0, ECANCELED);
    end_channel(channel);
    return;
  }
  if (!channel->started) {
    // Nothing may be said before STARTED: told_started() does it then. A terminal hangs up when it has its process.
    channel->outputs[index].closed_early = true;
    return;
  }
  if (channel->kind == CONNECTION && index == OUT) reset_connection(channel);
  // The terminal hangs up: with its other half open, writers would wait for ever.
  if (channel->kind == TERMINAL && index == OUT) close_source(&channel->input);
  end_output(channel, index);
  end_if_gone(channel);
}
