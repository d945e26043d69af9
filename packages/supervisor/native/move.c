#define _GNU_SOURCE
#include "move.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel.h"
#include "request.h"

enum { TOKEN_SIZE = 16 };

struct move move = {MOVE_NONE, -1, -1};

struct wanted {
  uint32_t request;
  const uint8_t *token;
  struct sockaddr_un address;
};

static bool decode_move(struct reader *reader, struct wanted *wanted) {
  wanted->request = take_u32(reader);
  wanted->address = (struct sockaddr_un){.sun_family = AF_UNIX};
  size_t room = sizeof wanted->address.sun_path;
  if (reader->failed || reader->left <= TOKEN_SIZE || reader->left - TOKEN_SIZE > room) return false;
  wanted->token = reader->at;
  const char *path = (const char *)reader->at + TOKEN_SIZE;
  size_t size = reader->left - TOKEN_SIZE;
  memcpy(wanted->address.sun_path, path, size);
  // The zero byte is the last one, and an empty name would be another kind of address.
  return path[0] != '\0' && memchr(path, 0, size) == path + size - 1;
}

static bool connect_to(int fd, const struct sockaddr_un *address) {
  return connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
}

// Where root may not pass over permissions (a container without CAP_DAC_OVERRIDE): as the owner of the socket's folder,
// whose folder's it is.
static bool connect_as_owner(int fd, const struct sockaddr_un *address) {
  char folder[sizeof address->sun_path];
  memcpy(folder, address->sun_path, sizeof folder);
  char *slash = strrchr(folder, '/');
  struct stat found;
  if (slash == NULL || slash == folder) return errno = EACCES, false;
  *slash = '\0';
  if (stat(folder, &found) != 0) return errno = EACCES, false;
  int own = setfsuid(found.st_uid);
  bool connected = connect_to(fd, address);
  int error = errno;
  setfsuid((uid_t)own);
  // Every change of an id makes a process traceable again.
  prctl(PR_SET_DUMPABLE, 0);
  errno = error;
  return connected;
}

// A socket that has said the token; -1 with errno. Nobody inside can make it wait: it does not block.
static int open_socket(const struct wanted *wanted) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  bool connected = connect_to(fd, &wanted->address) || (errno == EACCES && connect_as_owner(fd, &wanted->address));
  if (connected && send(fd, wanted->token, TOKEN_SIZE, MSG_NOSIGNAL) == TOKEN_SIZE) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

const char *serve_move(struct reader *reader, bool has_started_something) {
  struct wanted wanted;
  if (!decode_move(reader, &wanted)) return "MOVE is a request, a token and the path of a socket";
  if (has_started_something || move.state != MOVE_NONE) {
    reply(wanted.request, EBUSY, NULL, 0);
    return NULL;
  }
  int in = open_socket(&wanted), out = in < 0 ? -1 : fcntl(in, F_DUPFD_CLOEXEC, 3);
  int error = out < 0 ? errno : 0;
  reply(wanted.request, (uint32_t)error, NULL, 0);
  if (error == 0) move = (struct move){MOVE_LEAVING, in, out};
  else if (in >= 0) close(in);
  return NULL;
}
