#define _GNU_SOURCE
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "clock.h"
#include "connection.h"
#include "encode.h"
#include "input.h"
#include "list.h"
#include "listening.h"
#include "move.h"
#include "output.h"
#include "protocol.h"
#include "signals.h"
#include "spawn.h"
#include "stray.h"
#include "terminal.h"
#include "tree.h"

enum { KILL_AGAIN_MS = 20, LONGEST_WAIT_MS = 1000, LAST_MS = 2000 };

extern char **environ;
struct ending ending;
long last_ping_ms = -1;
static bool greeted, has_started_something;

void say_hello(bool reaps_orphans) {
  uint8_t payload[20] = "cmpnsup\n";
  payload[8] = PROTOCOL_VERSION;
  put_number(payload + 12, (uint32_t)getpid(), 4);
  put_number(payload + 16, (reaps_orphans ? CAN_REAP : 0) | (geteuid() == 0 ? CAN_SWITCH_USERS : 0), 4);
  stream_frame(channels.stream, HELLO, 0, payload, sizeof payload);
}

// ---- ending everything

static void signal_all(int signal) {
  struct members members;
  if (!descendants_of(getpid(), &members)) return;
  // Keepers are children of this process, and end with what they keep.
  for (size_t i = 0; i < members.size; i++) {
    if (members.list[i].parent != getpid() || channels.has_strays) kill(members.list[i].pid, signal);
  }
  members_free(&members);
}

void begin_ending(long grace_ms) {
  long kill_at_ms = now_ms() + grace_ms;
  if (ending.begun && ending.kill_at_ms <= kill_at_ms) return;
  if (!ending.begun) {
    // Whether it still is has to be tried again.
    for (size_t i = 0; i < sizeof channels.table / sizeof *channels.table; i++) {
      for (struct channel *one = channels.table[i]; one != NULL; one = one->next) one->out_of_reach = false;
    }
    signal_all(SIGTERM);
  }
  ending.begun = true;
  ending.kill_at_ms = kill_at_ms;
}

// But for what nobody can end.
static bool anything_runs(bool *out_of_reach) {
  for (size_t i = 0; i < sizeof channels.table / sizeof *channels.table; i++) {
    for (const struct channel *channel = channels.table[i]; channel != NULL; channel = channel->next) {
      if (channel->link.fd < 0) continue;
      if (!channel->out_of_reach) return true;
      *out_of_reach = true;
    }
  }
  return false;
}

static int end_ending(uint32_t error) {
  answer_requests(&ending.requests, error);
  ending = (struct ending){0};
  return -1;
}

int ending_step(void) {
  if (!ending.begun) return -1;
  bool out_of_reach = false;
  if (!anything_runs(&out_of_reach) && !channels_kill_strays(&channels)) return end_ending(out_of_reach ? EPERM : 0);
  long left_ms = ending.kill_at_ms - now_ms();
  if (left_ms > 0) return left_ms > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : (int)left_ms;
  // Nobody inside can make the end wait. As the first process of a namespace this one takes all others along.
  if (ending.last && left_ms < -LAST_MS) return end_ending(0);
  if (ending.last && getpid() == 1) kill(-1, SIGKILL);
  // Again and again: what was being started in between has heard nothing yet.
  channels_kill(&channels);
  channels_kill_strays(&channels);
  return KILL_AGAIN_MS;
}

static const char *end_all(struct reader *reader) {
  uint32_t request = take_u32(reader), grace_ms = take_u32(reader);
  if (!taken_whole(reader)) return "END_ALL is a request and a grace";
  if (!add_request(&ending.requests, (struct request){.number = request})) reply(request, EAGAIN, NULL, 0);
  begin_ending((long)grace_ms);
  return NULL;
}

// ---- frames

static const char *hello(struct reader *reader) {
  uint16_t version = take_u16(reader), nothing = take_u16(reader);
  if (!taken_whole(reader) || nothing != 0) return "HELLO is a version";
  if (greeted) return "HELLO comes once";
  if (version != PROTOCOL_VERSION) return "this supervisor speaks version 1 of the protocol";
  greeted = true;
  return NULL;
}

static const char *spawn(const struct frame *frame) {
  struct spawn wanted;
  if (frame->id == 0 || channel_find(&channels, frame->id) != NULL) return "SPAWN needs an id that is not in use";
  if (!decode_spawn(frame->payload, frame->size, environ, &wanted)) {
    if (errno != ENOMEM) return "SPAWN is not as it should be";
    send_failed(frame->id, PHASE_RESOURCES, 0, ENOMEM);
    return NULL;
  }
  has_started_something = true;
  channel_spawn(frame->id, &wanted);
  spawn_free(&wanted);
  return NULL;
}

static const char *open_connection(const struct frame *frame, struct reader *reader) {
  uint16_t port = take_u16(reader), nothing = take_u16(reader);
  uint32_t window = take_u32(reader);
  if (!taken_whole(reader) || nothing != 0 || port == 0) return "CONNECT is a port and a window";
  if (frame->id == 0 || channel_find(&channels, frame->id) != NULL) return "CONNECT needs an id that is not in use";
  has_started_something = true;
  channel_connect(frame->id, port, window);
  return NULL;
}

static const char *list(const struct frame *frame, struct reader *reader) {
  uint32_t request = take_u32(reader);
  if (!taken_whole(reader)) return "LIST is a request";
  struct channel *channel = channel_find(&channels, frame->id);
  if (channel == NULL) reply(request, 0, NULL, 0);
  else channel_list(channel, request);
  return NULL;
}

static const char *listening(struct reader *reader) {
  uint32_t request = take_u32(reader);
  uint16_t port = take_u16(reader);
  if (!taken_whole(reader)) return "LISTENING is a request and a port";
  uint8_t answer = is_listening(port);
  reply(request, 0, &answer, 1);
  return NULL;
}

static const char *ping(struct reader *reader) {
  uint32_t request = take_u32(reader);
  if (!taken_whole(reader)) return "PING is a request";
  last_ping_ms = now_ms();
  reply(request, 0, NULL, 0);
  return NULL;
}

static const char *signal_channel(const struct frame *frame, struct reader *reader) {
  uint32_t request = take_u32(reader);
  uint8_t target = take_u8(reader), number = take_u8(reader);
  if (!taken_whole(reader) || target > TARGET_TREE) return "SIGNAL is a request, a target and a signal";
  struct channel *channel = channel_find(&channels, frame->id);
  if (channel == NULL) reply(request, 0, NULL, 0);
  else channel_signal(channel, request, target, number);
  return NULL;
}

// About a channel that may have ended meanwhile.
static const char *serve_channel(const struct frame *frame, struct channel *channel) {
  struct reader reader = {frame->payload, frame->size, false};
  switch (frame->type) {
    case STDIN:
      return channel_input(channel, frame->payload, frame->size) ? NULL : "STDIN exceeds its window, or follows its end";
    case STDIN_EOF:
      channel_end_input(channel);
      return frame->size == 0 ? NULL : "STDIN_EOF has no payload";
    case CLIENT_CREDIT: {
      uint8_t stream = take_u8(&reader);
      uint32_t bytes = take_u32(&reader);
      return taken_whole(&reader) && channel_credit(channel, stream, bytes) ? NULL : "CREDIT is a stream and bytes";
    }
    case RESIZE: {
      uint16_t columns = take_u16(&reader), rows = take_u16(&reader);
      if (!taken_whole(&reader)) return "RESIZE is columns and rows";
      channel_resize(channel, columns, rows);
      return NULL;
    }
    case CLOSE: {
      uint8_t stream = take_u8(&reader);
      if (!taken_whole(&reader) || stream < 1 || stream > 2) return "CLOSE is a stream";
      channel_close_output(channel, stream - 1);
      return NULL;
    }
    default:
      return "a frame of an unknown type has come";
  }
}

const char *serve(const struct frame *frame) {
  struct reader reader = {frame->payload, frame->size, false};
  if (frame->type == CLIENT_HELLO) return hello(&reader);
  if (!greeted) return "HELLO comes first";
  switch (frame->type) {
    case SPAWN:
      return spawn(frame);
    case CONNECT:
      return open_connection(frame, &reader);
    case SIGNAL:
      return signal_channel(frame, &reader);
    case LIST:
      return list(frame, &reader);
    case LISTENING:
      return listening(&reader);
    case END_ALL:
      return end_all(&reader);
    case PING:
      return ping(&reader);
    case MOVE:
      return serve_move(&reader, has_started_something);
    case STDIN:
    case STDIN_EOF:
    case CLIENT_CREDIT:
    case RESIZE:
    case CLOSE: {
      struct channel *channel = channel_find(&channels, frame->id);
      return channel == NULL ? NULL : serve_channel(frame, channel);
    }
    default:
      return "a frame of an unknown type has come";
  }
}
