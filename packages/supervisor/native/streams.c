#include "streams.h"

#include <unistd.h>

void close_streams(const struct streams *streams) {
  const int *fd = streams->fd;
  if (fd[0] >= 0) close(fd[0]);
  if (fd[1] >= 0 && fd[1] != fd[0]) close(fd[1]);
  if (fd[2] >= 0 && fd[2] != fd[0] && fd[2] != fd[1]) close(fd[2]);
}
