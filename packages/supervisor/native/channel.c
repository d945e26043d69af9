#define _GNU_SOURCE
#include "channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "spare.h"
#include "keeper.h"
#include "loop.h"
#include "memory.h"
#include "protocol.h"
#include "serve.h"
#include "tree.h"

// A keeper needs a few milliseconds for hundreds of processes.
enum { KEEPER_PATIENCE_MS = 500, START_PATIENCE_MS = 30 * 1000, STRAY_LOOKS = 100 };
enum { CREDIT_STEP = INPUT_WINDOW / 4, READ_SIZE = MAX_PAYLOAD - 1 };

struct channels channels;

static void put(uint8_t *at, uint64_t value, int size) {
  for (int i = 0; i < size; i++) at[i] = (uint8_t)(value >> (8 * i));
}

void reply(uint32_t request, uint32_t error, const void *data, size_t size) {
  uint8_t *payload = stream_reserve(channels.stream, 8 + size);
  put(payload, request, 4);
  put(payload + 4, error, 4);
  if (size > 0) memcpy(payload + 8, data, size);
  stream_commit(channels.stream, REPLY, 0, 8 + size);
}

static void send_failed(uint32_t id, uint8_t phase, uint8_t detail, int error) {
  uint8_t payload[8] = {phase, detail};
  put(payload + 4, (uint32_t)error, 4);
  stream_frame(channels.stream, FAILED, id, payload, sizeof payload);
}

void watch(struct source *source, uint32_t events) {
  if (source->fd < 0 || source->watched == events) return;
  struct epoll_event event = {.events = events, .data.ptr = source};
  // Not "modify to nothing": the end of a pipe is reported all the same, again and again.
  int how = events == 0 ? EPOLL_CTL_DEL : source->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  // What cannot be watched (no memory, the kernel's limit) would be silent for ever: better no supervisor than a deaf one.
  if (epoll_ctl(channels.epoll, how, source->fd, &event) != 0) _exit(1);
  source->watched = events;
}

void close_source(struct source *source) {
  if (source->fd < 0) return;
  watch(source, 0);
  close(source->fd);
  source->fd = -1;
}

static struct channel **place_of(const struct channels *all, uint32_t id) {
  size_t places = sizeof all->table / sizeof *all->table;
  return (struct channel **)&all->table[id % places];
}

struct channel *channel_find(const struct channels *all, uint32_t id) {
  struct channel *channel = *place_of(all, id);
  while (channel != NULL && channel->id != id) channel = channel->next;
  return channel;
}

static void deliver(struct channel *channel, struct request asked);
static void input_ready(struct source *source, uint32_t events);
static void output_ready(struct source *source, uint32_t events);
static void link_ready(struct source *source, uint32_t events);

static struct channel *new_channel(uint32_t id, int kind) {
  struct channel *channel = calloc(1, sizeof *channel);
  if (channel == NULL) return NULL;
  channel->id = id;
  channel->kind = kind;
  channel->input_window = INPUT_WINDOW;
  channel->input = (struct source){-1, 0, channel, input_ready};
  channel->link = (struct source){-1, 0, channel, link_ready};
  for (int i = 0; i < 2; i++) channel->outputs[i].source = (struct source){-1, 0, channel, output_ready};
  struct channel **place = place_of(&channels, id);
  channel->next = *place;
  *place = channel;
  channels.size++;
  return channel;
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

static void forget_deadline(struct channel *channel) {
  if (channel->deadline_ms != 0) channels.awaited--;
  channel->deadline_ms = 0;
}

static void await_keeper(struct channel *channel, long patience_ms) {
  forget_deadline(channel);
  channel->deadline_ms = now_ms() + patience_ms;
  if (channels.awaited++ == 0 || channel->deadline_ms < channels.due_ms) channels.due_ms = channel->deadline_ms;
}

// Takes it out of everything that could lead to it. Events of this batch still may: it is freed after them.
static void end_channel(struct channel *channel) {
  forget_deadline(channel);
  close_source(&channel->input);
  close_source(&channel->link);
  for (int i = 0; i < 2; i++) close_source(&channel->outputs[i].source);
  answer_requests(&channel->early, 0);
  answer_requests(&channel->waiting, 0);
  if (channel->lists.size > 0) channels.listed--;
  answer_requests(&channel->lists, 0);
  free(channel->pending);
  channel->pending = NULL;
  struct channel **place = place_of(&channels, channel->id);
  while (*place != channel) place = &(*place)->next;
  *place = channel->next;
  channel->next = channels.ended;
  channels.ended = channel;
  channels.size--;
}

void channels_free_ended(struct channels *all) {
  while (all->ended != NULL) {
    struct channel *channel = all->ended;
    if (channel->starved) return;  // still in the list of those: after it has been gone through
    all->ended = channel->next;
    free(channel);
  }
}

static void end_if_gone(struct channel *channel) {
  bool outputs_ended = channel->outputs[OUT].ended && channel->outputs[ERR].ended;
  if (channel->kind == CONNECTION) {
    bool reset = channel->reset != 0;
    if (!reset && !(outputs_ended && channel->input.fd < 0)) return;
    uint8_t error[4];
    put(error, channel->reset, 4);
    stream_frame(channels.stream, GONE, channel->id, error, reset ? sizeof error : 0);
  } else {
    if (!channel->exit_sent || !outputs_ended || channel->link.fd >= 0) return;
    stream_frame(channels.stream, GONE, channel->id, NULL, 0);
  }
  end_channel(channel);
}

// ---- output

enum pumped { PUMPED_EMPTY, PUMPED_ENDED, PUMPED_NO_WINDOW, PUMPED_NO_ROOM };

static void end_output(struct channel *channel, int index) {
  struct output *output = &channel->outputs[index];
  if (output->ended) return;
  output->ended = true;
  close_source(&output->source);
  uint8_t stream = (uint8_t)(index + 1);
  stream_frame(channels.stream, OUTPUT_EOF, channel->id, &stream, 1);
}

// Moves what is there to the client, straight into the place that it goes from.
static enum pumped pump(struct channel *channel, int index) {
  struct output *output = &channel->outputs[index];
  for (;;) {
    if (output->ended) return PUMPED_ENDED;
    if (output->window == 0) return PUMPED_NO_WINDOW;
    if (stream_waiting(channels.stream) >= OUTPUT_ROOM) return PUMPED_NO_ROOM;
    size_t most = output->window < READ_SIZE ? output->window : READ_SIZE;
    uint8_t *place = stream_reserve(channels.stream, 1 + most);
    ssize_t got = read(output->source.fd, place + 1, most);
    if (got > 0) {
      place[0] = (uint8_t)(index + 1);
      stream_commit(channels.stream, OUTPUT, channel->id, 1 + (size_t)got);
      output->window -= (uint32_t)got;
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

static enum pumped pump_and_watch(struct channel *channel, int index) {
  enum pumped pumped = pump(channel, index);
  // Who may send no more is not watched: it would be reported again and again.
  watch(&channel->outputs[index].source, pumped == PUMPED_EMPTY ? EPOLLIN : 0);
  if (pumped == PUMPED_NO_ROOM) starve(channel);
  return pumped;
}

// The verdict comes after what the process has written, as far as the window allows.
static void send_exit(struct channel *channel) {
  if (!channel->exited || channel->exit_sent) return;
  for (int i = 0; i < 2; i++) {
    if (pump_and_watch(channel, i) == PUMPED_NO_ROOM) return;
  }
  channel->exit_sent = true;
  stream_frame(channels.stream, EXIT, channel->id, channel->exit, sizeof channel->exit);
}

static void output_ready(struct source *source, uint32_t events) {
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

// ---- input

static void send_credit(struct channel *channel) {
  uint8_t bytes[4];
  put(bytes, channel->taken, 4);
  channel->input_window += channel->taken;
  channel->taken = 0;
  stream_frame(channels.stream, CREDIT, channel->id, bytes, sizeof bytes);
}

static void took(struct channel *channel, size_t size) {
  channel->taken += (uint32_t)size;
  if (channel->taken >= CREDIT_STEP && channel->started) send_credit(channel);
}

static void close_input(struct channel *channel) {
  if (channel->kind == CONNECTION) shutdown(channel->input.fd, SHUT_WR);
  if (channel->kind != TERMINAL) close_source(&channel->input);
}


// Writes what it can; the number of bytes that are done with. A reader that has gone takes everything.
static void end_if_gone(struct channel *channel);

// The other side is gone: what has come from it can still be read, and then there is no more.
static void break_connection(struct channel *channel, int error) {
  channel->reset = (uint32_t)error;
  pump_and_watch(channel, OUT);
  end_if_gone(channel);
}

static size_t write_input(struct channel *channel, const uint8_t *bytes, size_t size) {
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

// termios(3): the end-of-file character in the middle of a line gives the reader what there is of it. The next is its end.
static bool is_within_line(const struct channel *channel, const struct termios *settings) {
  uint8_t last = channel->last_input;
  bool ends = last == '\0' || last == '\n' || (last == '\r' && settings->c_iflag & ICRNL) ||
              last == settings->c_cc[VEOF] || last == settings->c_cc[VEOL] || last == settings->c_cc[VEOL2];
  return settings->c_lflag & ICANON && !ends;
}

// False when the terminal does not take it yet.
static bool end_terminal_input(struct channel *channel) {
  struct termios settings;
  bool known = tcgetattr(channel->input.fd, &settings) == 0;
  uint8_t end = known ? settings.c_cc[VEOF] : 4;
  if (known && is_within_line(channel, &settings) && write_input(channel, &end, 1) == 0) return false;
  if (write_input(channel, &end, 1) == 0) return false;
  // More may follow: programs go on after an end of file on a terminal.
  channel->input_ending = false;
  return true;
}

static void finish_input(struct channel *channel) {
  if (channel->kind == TERMINAL && !end_terminal_input(channel)) {
    watch(&channel->input, EPOLLOUT);
    return;
  }
  watch(&channel->input, 0);
  close_input(channel);
  end_if_gone(channel);
}

static void input_ready(struct source *source, uint32_t events) {
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

void channel_resize(struct channel *channel, uint16_t columns, uint16_t rows) {
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  if (channel->kind == TERMINAL && channel->input.fd >= 0) ioctl(channel->input.fd, TIOCSWINSZ, &size);
}

// ---- processes

static void remember_exit(struct channel *channel, const struct kept *kept) {
  int status = kept->exited.status;
  uint8_t *exit = channel->exit;
  memset(exit, 0, sizeof channel->exit);
  if (WIFSIGNALED(status)) {
    exit[0] = HOW_SIGNAL;
    exit[1] = (uint8_t)WTERMSIG(status);
    exit[2] = WTERMSIG(status) == SIGKILL && memory_ran_out() && !channel->killed_by_client;
  } else {
    exit[0] = HOW_CODE;
    exit[1] = (uint8_t)WEXITSTATUS(status);
  }
  put(exit + 4, kept->exited.user_us, 8);
  put(exit + 12, kept->exited.system_us, 8);
  put(exit + 20, kept->exited.resident_bytes, 8);
  channel->exited = true;
}

// With what has come for it meanwhile.
static void told_started(struct channel *channel, pid_t pid) {
  if (!channel->told) forget_deadline(channel);
  uint8_t payload[4];
  put(payload, (uint32_t)pid, 4);
  channel->pid = pid;
  channel->started = true;
  stream_frame(channels.stream, STARTED, channel->id, payload, sizeof payload);
  took(channel, 0);
  for (int i = 0; i < 2; i++) {
    if (channel->outputs[i].closed_early) channel_close_output(channel, i);
    else pump_and_watch(channel, i);
  }
  struct requests early = channel->early;
  channel->early = (struct requests){NULL, 0};
  for (size_t i = 0; i < early.size; i++) deliver(channel, early.list[i]);
  free(early.list);
}

// For the next program.
static void leave(struct channel *channel) {
  int link = channel->link.fd;
  watch(&channel->link, 0);
  channel->link.fd = -1;
  leave_keeper(channel->keeper, link);
}

// Nothing is left of it.
static void tree_ended(struct channel *channel) {
  forget_deadline(channel);
  answer_requests(&channel->waiting, 0);
  if (!channel->exited) {
    memset(channel->exit, 0, sizeof channel->exit);
    channel->exit[0] = HOW_UNKNOWN;
    channel->exited = true;
  }
  send_exit(channel);
  end_if_gone(channel);
}

static void heard(struct channel *channel, const struct kept *kept) {
  switch (kept->what) {
    case KEPT_STARTED:
      told_started(channel, kept->pid);
      break;
    case KEPT_FAILED:
      leave(channel);
      send_failed(channel->id, kept->failed.phase, kept->failed.detail, kept->failed.error);
      end_channel(channel);
      return;
    case KEPT_EXITED:
      remember_exit(channel, kept);
      send_exit(channel);
      break;
    case KEPT_OUT_OF_REACH:
      forget_deadline(channel);
      channel->told = false;
      channel->out_of_reach = true;
      answer_requests(&channel->waiting, EPERM);
      break;
    case KEPT_NOTHING:
      break;
  }
  if (!kept->nothing_left) return;
  leave(channel);
  tree_ended(channel);
}

// A keeper that has gone without its last word was killed, and what it kept is the supervisor's own: once it has ended.
// That is at once: it has closed its descriptors. Somebody may have reaped it already.
static void take_over(const struct channel *channel) {
  while (waitpid(channel->keeper, NULL, 0) < 0 && errno == EINTR) continue;
  channels.has_strays = true;
  // Level by level: what a stray leaves comes here when it is reaped. Until then nobody may be told that it is gone.
  for (int look = 0; look < STRAY_LOOKS && channels_kill_strays(&channels); look++) {
    usleep(1000);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  }
}

static void keeper_ended(struct channel *channel) {
  take_over(channel);
  if (channel->started) {
    tree_ended(channel);
    return;
  }
  send_failed(channel->id, PHASE_RESOURCES, 0, EAGAIN);
  end_channel(channel);
}

static bool is_keeper(const struct channels *all, pid_t pid) {
  for (size_t i = 0; i < sizeof all->table / sizeof *all->table; i++) {
    for (const struct channel *channel = all->table[i]; channel != NULL; channel = channel->next) {
      if (channel->keeper == pid && channel->link.fd >= 0) return true;
    }
  }
  return is_spare(pid);
}

bool channels_kill_strays(const struct channels *all) {
  struct members members;
  if (!all->has_strays || !descendants_of(getpid(), &members)) return false;
  bool found = false;
  for (size_t i = 0; i < members.size; i++) {
    const struct member *member = &members.list[i];
    if (member->parent != getpid() || is_keeper(all, member->pid)) continue;
    // Who may not be killed is not waited for.
    found = kill(member->pid, SIGKILL) == 0 || errno != EPERM || found;
  }
  members_free(&members);
  return found;
}

static void link_ready(struct source *source, uint32_t events) {
  (void)events;
  struct channel *channel = source->channel;
  for (;;) {
    struct kept kept;
    ssize_t got = recv(source->fd, &kept, sizeof kept, MSG_DONTWAIT);
    if (got == (ssize_t)sizeof kept) {
      heard(channel, &kept);
      if (source->fd < 0) return;
      continue;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // It has ended without reading what it was told: unix(7). Its last words come after that.
    if (got < 0 && errno == ECONNRESET) continue;
    close_source(source);
    keeper_ended(channel);
    return;
  }
}

static void close_both(int fds[2]) {
  for (int i = 0; i < 2; i++) {
    if (fds[i] >= 0) close(fds[i]);
  }
}

static void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

// Three pipes, of which the first may be the null device.
static bool make_pipes(bool with_input, int in[2], int out[2], int err[2]) {
  if (with_input) {
    if (pipe2(in, O_CLOEXEC) != 0) return false;
  } else {
    in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in[0] < 0) {
      // Without devices: the end of a pipe that nobody writes to.
      if (pipe2(in, O_CLOEXEC) != 0) return false;
      close(in[1]);
      in[1] = -1;
    }
  }
  return pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0;
}

static bool make_terminal(const struct spawn *spawn, int *ours, int *theirs) {
  char name[64];
  struct winsize size = {.ws_row = spawn->rows, .ws_col = spawn->columns};
  *ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*ours < 0) return false;
  if (grantpt(*ours) != 0 || unlockpt(*ours) != 0 || ptsname_r(*ours, name, sizeof name) != 0) return false;
  *theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*theirs < 0) return false;
  ioctl(*theirs, TIOCSWINSZ, &size);
  return !(spawn->flags & SPAWN_USER) || fchown(*theirs, spawn->uid, spawn->gid) == 0;
}

static void keep_watching(struct channel *channel, pid_t keeper, int link) {
  channel->keeper = keeper;
  channel->link.fd = link;
  watch(&channel->link, EPOLLIN);
  await_keeper(channel, START_PATIENCE_MS);
}

static void give_away(int fd, const struct spawn *spawn) {
  // Who may not give files away starts the program all the same.
  if (fchown(fd, spawn->uid, spawn->gid) != 0) return;
}

static void spawn_with_pipes(uint32_t id, const struct spawn *spawn) {
  int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, link, error = 0;
  struct channel *channel = NULL;
  pid_t keeper = -1;
  if (make_pipes(spawn->flags & SPAWN_STDIN, in, out, err) && (channel = new_channel(id, PROCESS)) != NULL) {
    struct streams streams = {{in[0], out[1], err[1]}};
    // Another user opens /dev/stdout and the like by their paths. Not the null device: that is everybody's.
    if (spawn->flags & SPAWN_USER) {
      give_away(out[1], spawn), give_away(err[1], spawn);
      if (spawn->flags & SPAWN_STDIN) give_away(in[0], spawn);
    }
    keeper = take_keeper(spawn, &streams, &link);
  }
  if (keeper < 0) {
    error = errno;
    close_both(in), close_both(out), close_both(err);
    if (channel != NULL) end_channel(channel);
    send_failed(id, PHASE_RESOURCES, 0, error);
    return;
  }
  close(in[0]), close(out[1]), close(err[1]);
  channel->input.fd = in[1];
  channel->outputs[OUT].source.fd = out[0];
  channel->outputs[ERR].source.fd = err[0];
  if (in[1] >= 0) set_nonblocking(in[1]);
  for (int i = 0; i < 2; i++) {
    set_nonblocking(channel->outputs[i].source.fd);
    channel->outputs[i].window = spawn->window[i];
  }
  keep_watching(channel, keeper, link);
}

static void spawn_with_terminal(uint32_t id, const struct spawn *spawn) {
  int ours = -1, theirs = -1, again = -1, link, error = 0;
  struct channel *channel = NULL;
  pid_t keeper = -1;
  uint8_t phase = PHASE_TTY;
  if (make_terminal(spawn, &ours, &theirs)) {
    phase = PHASE_RESOURCES;
    // The loop watches the two directions apart.
    again = fcntl(ours, F_DUPFD_CLOEXEC, 3);
    // Who asked for no input reads its end at once, and not what is typed.
    int input = spawn->flags & SPAWN_STDIN ? theirs : open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct streams streams = {{input < 0 ? theirs : input, theirs, theirs}};
    if (again >= 0 && (channel = new_channel(id, TERMINAL)) != NULL) keeper = take_keeper(spawn, &streams, &link);
    if (input >= 0 && input != theirs) close(input);
  }
  if (keeper < 0) {
    error = errno;
    int all[2] = {ours, theirs}, last[2] = {again, -1};
    close_both(all), close_both(last);
    if (channel != NULL) end_channel(channel);
    send_failed(id, phase, 0, error);
    return;
  }
  close(theirs);
  set_nonblocking(ours);
  channel->input.fd = again;
  channel->outputs[OUT].source.fd = ours;
  channel->outputs[OUT].window = spawn->window[OUT];
  channel->outputs[ERR].ended = true;
  keep_watching(channel, keeper, link);
}

void channel_spawn(struct channels *all, uint32_t id, const struct spawn *spawn) {
  (void)all;
  if (spawn->flags & SPAWN_TTY) spawn_with_terminal(id, spawn);
  else spawn_with_pipes(id, spawn);
}

static void tell_keeper(struct channel *channel) {
  if (channel->link.fd >= 0 && !channel->told) await_keeper(channel, KEEPER_PATIENCE_MS);
  channel->told = true;
  channel->out_of_reach = false;
  char what = KEEPER_KILL;
  // A keeper that is told already, or is ending, needs no second word.
  if (channel->link.fd >= 0) send(channel->link.fd, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Without its keeper nothing is left of the tree, and the keeper's number may be another process's.
static bool members_of(const struct channel *channel, struct members *members) {
  *members = (struct members){NULL, 0};
  return channel->link.fd < 0 || descendants_of(channel->keeper, members);
}

// An errno when there were some and none was reached; `group` is 0 for the whole tree.
static uint32_t signal_members(const struct channel *channel, pid_t group, uint8_t signal) {
  struct members members;
  if (!members_of(channel, &members)) {
    if (channel->exited || kill(-channel->pid, signal) == 0 || errno == ESRCH) return 0;
    return (uint32_t)errno;
  }
  uint32_t error = 0;
  bool reached = false;
  for (size_t i = 0; i < members.size; i++) {
    if (group != 0 && members.list[i].group != group) continue;
    if (kill(members.list[i].pid, signal) == 0) reached = true;
    else if (errno != ESRCH) error = (uint32_t)errno;
  }
  members_free(&members);
  return reached ? 0 : error;
}

static uint32_t signal_program(const struct channel *channel, bool group, uint8_t signal) {
  // Its number may be another process's, but what it has left is known.
  if (channel->exited) return group ? signal_members(channel, channel->pid, signal) : 0;
  if (kill(group ? -channel->pid : channel->pid, signal) == 0 || errno == ESRCH) return 0;
  return (uint32_t)errno;
}

static void deliver(struct channel *channel, struct request asked) {
  uint32_t error = 0;
  if (asked.signal == SIGKILL) channel->killed_by_client = true;
  if (channel->kind == CONNECTION) {
    error = ESRCH;
  } else if (asked.target == TARGET_TREE && asked.signal == SIGKILL) {
    if (channel->link.fd >= 0) {
      tell_keeper(channel);
      if (add_request(&channel->waiting, asked)) return;
      error = EAGAIN;
    }
  } else if (!channel->started) {
    // Nobody knows yet whom to signal.
    if (add_request(&channel->early, asked)) return;
    error = EAGAIN;
  } else if (asked.target == TARGET_TREE) {
    error = signal_members(channel, 0, asked.signal);
  } else {
    error = signal_program(channel, asked.target == TARGET_GROUP, asked.signal);
  }
  reply(asked.number, error, NULL, 0);
}

void channel_signal(struct channel *channel, uint32_t request, uint8_t target, uint8_t signal) {
  // Whether the program has ended meanwhile: its number is another process's as soon as its keeper has reaped it.
  if (channel->link.fd >= 0) link_ready(&channel->link, EPOLLIN);
  if (channel_find(&channels, channel->id) == channel) deliver(channel, (struct request){request, target, signal});
  else reply(request, 0, NULL, 0);
}

void channel_list(struct channel *channel, uint32_t request) {
  bool first = channel->lists.size == 0;
  if (!add_request(&channel->lists, (struct request){.number = request})) reply(request, EAGAIN, NULL, 0);
  else if (first) channels.listed++;
}

// u32 pid and the name for each, as many as fit.
static size_t lay_out(const struct channel *channel, const struct members *members, uint8_t *payload) {
  size_t size = 0;
  for (size_t i = 0; i < members->size; i++) {
    const struct member *member = &members->list[i];
    size_t name = strlen(member->name) + 1;
    if (member->pid == channel->pid) continue;
    if (size + 4 + name > MAX_PAYLOAD - 8) break;
    put(payload + size, (uint32_t)member->pid, 4);
    memcpy(payload + size + 4, member->name, name);
    size += 4 + name;
  }
  return size;
}

static void answer_lists(struct channel *channel) {
  static uint8_t payload[MAX_PAYLOAD - 8];
  struct members members;
  bool known = members_of(channel, &members);
  size_t size = known ? lay_out(channel, &members, payload) : 0;
  // No more than there is room for: the rest has its turn.
  size_t answered = 0;
  while (answered < channel->lists.size && stream_waiting(channels.stream) < OUTPUT_ROOM) {
    reply(channel->lists.list[answered++].number, known ? 0 : ENOMEM, payload, size);
  }
  if (known) members_free(&members);
  channel->lists.size -= answered;
  memmove(channel->lists.list, channel->lists.list + answered, channel->lists.size * sizeof *channel->lists.list);
  if (channel->lists.size > 0) return;
  answer_requests(&channel->lists, 0);
  channels.listed--;
}

void channels_list(struct channels *all) {
  static size_t next;
  size_t places = sizeof all->table / sizeof *all->table;
  for (size_t i = 0; all->listed > 0 && i < places; i++) {
    struct channel *channel = all->table[next++ % places];
    while (channel != NULL && channel->lists.size == 0) channel = channel->next;
    if (channel == NULL) continue;
    answer_lists(channel);
    return;
  }
}

// Not reaped yet: its number is its own.
static bool is_child(pid_t pid) {
  siginfo_t info;
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static int end_late(struct channels *all) {
  if (all->awaited == 0) return -1;
  long now = now_ms();
  if (now < all->due_ms) return (int)(all->due_ms - now);
  all->due_ms = LONG_MAX;
  for (size_t i = 0; i < sizeof all->table / sizeof *all->table; i++) {
    for (struct channel *channel = all->table[i]; channel != NULL; channel = channel->next) {
      if (channel->deadline_ms == 0) continue;
      if (channel->deadline_ms <= now) {
        if (is_child(channel->keeper)) kill(channel->keeper, SIGKILL);
        channel->deadline_ms = now + KEEPER_PATIENCE_MS;
      }
      if (channel->deadline_ms < all->due_ms) all->due_ms = channel->deadline_ms;
    }
  }
  return (int)(all->due_ms - now);
}

int channels_end_late(struct channels *all) {
  int late_ms = end_late(all), spare_ms = end_spare();
  // While something runs, the next thing that happens is soon enough: a timer for each read would cost more.
  if (all->size > 0) spare_ms = -1;
  return late_ms < 0 || (spare_ms >= 0 && spare_ms < late_ms) ? spare_ms : late_ms;
}

void channels_kill(struct channels *all) {
  for (size_t i = 0; i < sizeof all->table / sizeof *all->table; i++) {
    for (struct channel *channel = all->table[i]; channel != NULL; channel = channel->next) tell_keeper(channel);
  }
}

// ---- connections

static void connection_ready(struct source *source, uint32_t events);

static int connect_to(uint16_t port, bool ipv6, int *again) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 address6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const struct sockaddr *to = ipv6 ? (struct sockaddr *)&address6 : (struct sockaddr *)&address;
  int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  *again = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (*again >= 0 && (connect(fd, to, ipv6 ? sizeof address6 : sizeof address) == 0 || errno == EINPROGRESS)) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
  }
  int error = errno, both[2] = {fd, *again};
  close_both(both);
  errno = error;
  return -1;
}

static void await_connection(struct channel *channel, int fd, int again) {
  channel->outputs[OUT].source.fd = fd;
  channel->input.fd = again;
  watch(&channel->input, EPOLLOUT);
}

static void fail_connection(struct channel *channel, int error) {
  // Some listen at ::1 alone.
  int fd = -1, again;
  if (error == ECONNREFUSED && !channel->other_way) fd = connect_to(channel->port, true, &again);
  close_source(&channel->input);
  close_source(&channel->outputs[OUT].source);
  if (fd >= 0) {
    channel->other_way = true;
    await_connection(channel, fd, again);
    return;
  }
  send_failed(channel->id, PHASE_CONNECT, 0, channel->other_way ? ECONNREFUSED : error);
  end_channel(channel);
}

void channel_connect(struct channels *all, uint32_t id, uint16_t port, uint32_t window) {
  (void)all;
  struct channel *channel = new_channel(id, CONNECTION);
  if (channel == NULL) {
    send_failed(id, PHASE_CONNECT, 0, ENOMEM);
    return;
  }
  channel->port = port;
  channel->outputs[OUT].window = window;
  channel->outputs[ERR].ended = true;
  channel->input.ready = connection_ready;
  int again, fd = connect_to(port, false, &again);
  if (fd < 0) fail_connection(channel, errno);
  else await_connection(channel, fd, again);
}

// Where nobody listens, a connection to a port that the kernel has just given to this very socket finds itself.
static bool is_connected_to_itself(int fd) {
  // The port has its place in addresses of both kinds, of which no more is asked for.
  struct sockaddr_in here, there;
  socklen_t here_size = sizeof here, there_size = sizeof there;
  return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
         getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 && here.sin_port == there.sin_port;
}

static void connection_ready(struct source *source, uint32_t events) {
  (void)events;
  struct channel *channel = source->channel;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 && is_connected_to_itself(source->fd)) error = ECONNREFUSED;
  if (error != 0) {
    fail_connection(channel, error);
    return;
  }
  uint8_t pid[4] = {0};
  channel->started = true;
  stream_frame(channels.stream, STARTED, channel->id, pid, sizeof pid);
  source->ready = input_ready;
  watch(source, 0);
  // What has come for it meanwhile.
  if (channel->pending != NULL) watch(source, EPOLLOUT);
  else if (channel->input_ending) finish_input(channel);
  if (channel_find(&channels, channel->id) != channel) return;
  pump_and_watch(channel, OUT);
  end_if_gone(channel);
}
