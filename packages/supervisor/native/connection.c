#define _GNU_SOURCE
#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "input.h"
#include "loop.h"
#include "output.h"
#include "protocol.h"
#include "request.h"

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
  int error = errno;
  if (*again >= 0) close(*again);
  if (fd >= 0) close(fd);
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
  close_output(&channel->outputs[OUT]);
  if (fd >= 0) {
    channel->other_way = true;
    await_connection(channel, fd, again);
    return;
  }
  send_failed(channel->id, PHASE_CONNECT, 0, channel->other_way ? ECONNREFUSED : error);
  end_channel(channel);
}

void channel_connect(uint32_t id, uint16_t port, uint32_t window) {
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
  uint8_t no_pid[4] = {0};
  channel->started = true;
  stream_frame(channels.stream, STARTED, channel->id, no_pid, sizeof no_pid);
  source->ready = input_ready;
  watch(source, 0);
  // What has come for it meanwhile.
  if (channel->pending != NULL) watch(source, EPOLLOUT);
  else if (channel->input_ending) finish_input(channel);
  if (channel_find(&channels, channel->id) != channel) return;
  pump_and_watch(channel, OUT);
  end_if_gone(channel);
}
