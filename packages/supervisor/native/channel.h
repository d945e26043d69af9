// A process or a connection: its streams, their windows, and what is known of its end.
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop.h"
#include "request.h"
#include "stream.h"

// Of the table of channels; the fuzzer has few.
#ifndef PLACES
#define PLACES 4096
#endif

enum { OUT = 0, ERR = 1 };

struct output {
  struct source source;
  uint32_t window;  // bytes that the client can take
  bool ended;
  bool widened;
  bool closed_early;  // before anything could be said about it
};

struct channel {
  uint32_t id;
  enum { PROCESS, TERMINAL, CONNECTION } kind;
  struct output outputs[2];

  struct source input;
  uint8_t *pending;  // what has come for the input and could not be written yet; INPUT_WINDOW bytes
  size_t pending_from, pending_to;
  uint32_t input_window;  // bytes that the client may send
  uint32_t taken;         // bytes that have been written and not been credited
  bool input_ending, input_broken;
  uint8_t last_input;  // of a terminal
  int input_error;     // why it is broken

  struct source link;  // to the keeper
  pid_t keeper, pid;
  struct order *order;  // until a spare keeper has fulfilled it
  long deadline_ms;     // when the keeper is ended itself: it has to start its program, or to end its tree; 0 for nothing
  bool told;            // the keeper, to end its tree
  bool out_of_reach;    // what is left of the tree may not be killed by this user
  bool killed_by_client;
  bool started, exited, exit_sent;
  uint8_t exit[28];
  struct requests early;    // signals for a program that has not started yet
  struct requests waiting;  // answered when nothing of the tree is left
  struct requests lists;    // answered by one look into /proc

  uint16_t port;   // of a connection
  bool other_way;  // it goes to ::1, since 127.0.0.1 has refused it
  uint32_t reset;  // errno of a connection's end
  bool starved;    // has output to send, and there was no room
  struct channel *next_starved;
  struct channel *next;  // of the same place in the table
};

struct channels {
  struct channel *table[PLACES];
  struct channel *ended;  // freed when no event of the loop's batch can name them any more
  struct channel *starved;
  size_t size;
  bool has_strays;  // a keeper was killed, once
  size_t listed;    // channels with lists to answer
  size_t awaited;   // channels with a deadline
  long due_ms;      // no deadline is before this
  struct stream *stream;
  int epoll;
};

extern struct channels channels;

// NULL for want of memory.
struct channel *new_channel(uint32_t id, int kind);
struct channel *channel_find(const struct channels *channels, uint32_t id);
void close_output(struct output *output);
// Takes it out of everything that could lead to it. Events of this batch still may: it is freed after them.
void end_channel(struct channel *channel);
// Says GONE and ends it, if nothing of it is left.
void end_if_gone(struct channel *channel);
void channels_free_ended(struct channels *channels);

#endif
