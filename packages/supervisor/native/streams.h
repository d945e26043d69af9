// A program's standard streams.
#ifndef STREAMS_H
#define STREAMS_H

// The same descriptor more than once for a terminal; -1 for one that is not open.
struct streams {
  int fd[3];
};

void close_streams(const struct streams *streams);

#endif
