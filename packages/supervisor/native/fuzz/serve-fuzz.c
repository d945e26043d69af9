// Runs the supervisor's loop with a client and programs that do what the input says, one step after the other:
// each is a byte that chooses it, and what it needs.
#define main supervisor_main
#include "../main.c"
#undef main
#include "../serve.c"

#include <dirent.h>
#include <sys/socket.h>

#include "../spare.h"
#include "client.h"
#include "world.h"

enum { SMALL_BUFFER = 4096, SOON = 3000 };

static int client = -1;
static int left = -1;  // the client's end of the stream that the session has left
static int first_out = -1;  // the descriptor that the supervisor begins with

struct script {
  const uint8_t *at;
  size_t left;
};

static uint8_t next(struct script *script) {
  if (script->left == 0) return 0;
  script->left--;
  return *script->at++;
}

static const uint8_t *next_bytes(struct script *script, size_t *size) {
  if (*size > script->left) *size = script->left;
  const uint8_t *bytes = script->at;
  script->at += *size;
  script->left -= *size;
  return bytes;
}

// Once the supervisor has left, the client reads to the end of what was said before, and follows.
static void follow(void) {
  if (move.state != MOVE_DONE || left >= 0 || client < 0 || world_met < 0) return;
  for (int pieces = 0; pieces < 2 * ANSWER_ROOM / SMALL_BUFFER; pieces++) client_receives(client, SMALL_BUFFER);
  client_moves(world_met);
  left = client;
  client = world_met;
  world_met = -1;
}

static void say(const void *bytes, size_t size) {
  // Turns in between: the buffer is small.
  for (size_t done = 0; done < size && client >= 0;) {
    ssize_t gone = send(client, (const uint8_t *)bytes + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (gone > 0) done += (size_t)gone;
    else if (errno != EAGAIN || !turn()) return;
    else client_receives(client, SMALL_BUFFER);
    follow();
  }
}

static void say_frame(struct script *script) {
  uint8_t frame[LENGTH_SIZE + HEADER_SIZE + 256] = {0};
  uint8_t type = next(script), id = next(script);
  size_t size = next(script);
  const uint8_t *payload = next_bytes(script, &size);
  put_number(frame, HEADER_SIZE + size, 4);
  frame[4] = type;
  frame[5] = id;
  if (size > 0) memcpy(frame + LENGTH_SIZE + HEADER_SIZE, payload, size);
  client_sends(type, id, frame + LENGTH_SIZE + HEADER_SIZE, size);
  say(frame, LENGTH_SIZE + HEADER_SIZE + size);
}

// Much of it: more than a pipe, or than a window.
static void say_much_input(struct script *script) {
  static uint8_t frame[LENGTH_SIZE + HEADER_SIZE + MAX_PAYLOAD];
  size_t size = (size_t)next(script) << 8;
  put_number(frame, HEADER_SIZE + size, 4);
  frame[4] = STDIN;
  frame[5] = next(script);
  say(frame, LENGTH_SIZE + HEADER_SIZE + size);
}

// Frames as they come, also wrong ones: ids that the client notes nothing about, so that it expects nothing.
static void say_raw(struct script *script) {
  size_t size = next(script);
  const uint8_t *bytes = next_bytes(script, &size);
  say(bytes, size);
}

static void keeper_says(struct script *script) {
  struct slot *slot = &world[next(script) % SLOTS];
  struct kept kept;
  memset(&kept, 0, sizeof kept);
  uint8_t what = next(script), detail = next(script);
  if (slot->link < 0 || slot->said == SPARE) return;
  world_takes_order(slot);
  if (slot->said == SILENT && what % 3 != 1) {
    slot->said = SAID_STARTED;
    kept.what = KEPT_STARTED;
    kept.pid = 300000 + detail;
  } else if (slot->said == SILENT) {
    kept.what = KEPT_FAILED;
    kept.nothing_left = true;
    kept.failed.phase = 1 + detail % 5;
    kept.failed.error = ENOENT;
  } else if (slot->said == SAID_STARTED) {
    slot->said = SAID_EXITED;
    kept.what = KEPT_EXITED;
    kept.nothing_left = what & 64;
    kept.exited.status = detail << 8 | (what & 128 ? SIGKILL : 0);
  } else {
    kept.what = KEPT_NOTHING;
    kept.nothing_left = true;
  }
  if (kept.nothing_left) world_spares(slot);
  send(slot->link, &kept, sizeof kept, MSG_NOSIGNAL);
}

static void program_writes(struct script *script) {
  static const uint8_t bytes[32768];
  uint8_t which = next(script);
  int fd = world[which % SLOTS].streams[which >> 4 & 1 ? 2 : which >> 5 & 1 ? 0 : 1];
  size_t size = (size_t)next(script) << (which >> 6) * 2 << 1;
  if (fd >= 0 && write(fd, bytes, size < sizeof bytes ? size : sizeof bytes) < 0) errno = 0;
}

static void program_reads(struct script *script) {
  uint8_t bytes[16384], which = next(script);
  int fd = world[which % SLOTS].streams[0];
  if (fd >= 0 && read(fd, bytes, which & 128 ? sizeof bytes : 16) < 0) errno = 0;
}

static void program_closes(struct script *script) {
  uint8_t which = next(script);
  struct slot *slot = &world[which % SLOTS];
  if (which >> 4 & 3) close_end(&slot->streams[(which >> 4 & 3) - 1]);
  else close_end(&slot->link);
}

static bool step(struct script *script) {
  switch (next(script) % 12) {
    case 0:
    case 1:
    case 2:
      say_frame(script);
      break;
    case 3:
      say_much_input(script);
      break;
    case 4:
      say_raw(script);
      break;
    case 5:
      keeper_says(script);
      break;
    case 6:
      program_writes(script);
      break;
    case 7:
      program_reads(script);
      break;
    case 8:
      program_closes(script);
      break;
    case 9:
      client_receives(client, (size_t)next(script) << 8);
      return true;  // before the supervisor knows it
    case 10:
      world_ms += next(script) * 500;
      break;
    default:
      // Of the stream that was left: its end, or noise on it.
      if (left < 0) shutdown(client, SHUT_WR);
      else if (next(script) & 1) shutdown(left, SHUT_WR);
      else send(left, &owner_gone, sizeof owner_gone, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  bool goes_on = turn();
  follow();
  return goes_on;
}

static void begin(void) {
  int ends[2], size = SMALL_BUFFER;
  world_begin();
  client_begin();
  signal(SIGPIPE, SIG_IGN);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) abort();
  for (int i = 0; i < 2; i++) setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  client = ends[1];
  channels = (struct channels){.stream = &stream, .epoll = epoll_create1(EPOLL_CLOEXEC)};
  first_out = fcntl(ends[0], F_DUPFD_CLOEXEC, 3);
  if (channels.epoll < 0 || !stream_open(&stream, ends[0], first_out)) abort();
  stream_in = (struct source){stream.in, 0, NULL, stream_in_ready};
  stream_out = (struct source){stream.out, 0, NULL, stream_out_ready};
  ending = (struct ending){0};
  last_ping_ms = -1;
  greeted = owner_gone = has_started_something = false;
  move = (struct move){MOVE_NONE, -1, -1};
  lease = (struct source){-1, 0, NULL, NULL};
  say_hello(true);
}

// All windows open, all others gone: nothing may be left.
static void end_channels(void) {
  for (size_t i = 0; i < sizeof channels.table / sizeof *channels.table; i++) {
    for (struct channel *channel = channels.table[i], *after; channel != NULL; channel = after) {
      after = channel->next;
      for (uint8_t s = 1; s <= 2; s++) {
        if (channel_find(&channels, channel->id) != channel) break;
        channel_credit(channel, s, UINT32_MAX - channel->outputs[s - 1].window);
      }
      if (channel_find(&channels, channel->id) == channel && channel->kind == CONNECTION) {
        channel_close_output(channel, OUT);
      }
    }
  }
  // The program itself would not care for them any more: it has ended.
  for (int turns = 0; channels.size != 0 || channels.ended != NULL; turns++) {
    if (turns > SOON) abort();
    owner_gone = false;
    last_ping_ms = -1;
    stream_drop(&stream);
    turn();
  }
}

static void end(void) {
  close_end(&client);
  close_end(&left);
  world_end();
  int turns = 0;
  // It ends by itself, and soon.
  while (turn()) {
    if (++turns > SOON) abort();
  }
  end_channels();
  world_ms += SOON;
  end_spare();
  close(channels.epoll);
  // What the program itself has until it ends, which is now: of a move that was begun, and of what was left by one.
  if (move.state == MOVE_LEAVING) close(move.in), close(move.out);
  if (move.state == MOVE_DONE) close(first_out);
  free(stream.came);
  free(stream.going);
}

static int open_files(void) {
  DIR *files = opendir("/proc/self/fd");
  if (files == NULL) abort();
  int count = 0;
  while (readdir(files) != NULL) count++;
  closedir(files);
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct script script = {data, size};
  int before = open_files();
  begin();
  while (script.left > 0 && step(&script)) continue;
  end();
  // A descriptor was left open.
  if (open_files() != before) abort();
  return 0;
}
