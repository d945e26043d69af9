// A process or a connection: its streams, their windows, and what is known of its end.
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "decode.h"
#include "stream.h"
#include "tree.h"

// Of the table of channels; the fuzzer has few.
#ifndef PLACES
#define PLACES 4096
#endif

struct channel;

// Requests that are answered later.
struct requests {
  struct request {
    uint32_t number;
    uint8_t target, signal;
  } *list;
  size_t size;
};

// A descriptor that the loop watches, and what is done when it is ready.
struct source {
  int fd;
  uint32_t watched;  // events of epoll(7); 0 when it is not watched
  struct channel *channel;
  void (*ready)(struct source *source, uint32_t events);
};

enum { OUT = 0, ERR = 1 };

struct output {
  struct source source;
  uint32_t window;  // bytes that the client can take
  bool ended;
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
  int input_error;  // why it is broken

  struct source link;  // to the keeper
  pid_t keeper, pid;
  long deadline_ms;  // when the keeper is ended itself: it has to start its program, or to end its tree; 0 for nothing
  bool told;  // the keeper, to end its tree
  bool out_of_reach;  // what is left of the tree may not be killed by this user
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

// Answers STARTED or FAILED; the payloads are those of the frames.
void channel_spawn(struct channels *channels, uint32_t id, const struct spawn *spawn);
void channel_connect(struct channels *channels, uint32_t id, uint16_t port, uint32_t window);

struct channel *channel_find(const struct channels *channels, uint32_t id);

// False when the client has broken a rule.
bool channel_input(struct channel *channel, const uint8_t *bytes, size_t size);
bool channel_credit(struct channel *channel, uint8_t stream, uint32_t bytes);
void channel_end_input(struct channel *channel);
void channel_close_output(struct channel *channel, int index);
void channel_resize(struct channel *channel, uint16_t columns, uint16_t rows);
void channel_signal(struct channel *channel, uint32_t request, uint8_t target, uint8_t signal);
// Answered later, with others that ask for the same.
void channel_list(struct channel *channel, uint32_t request);

// Answers who has asked for the list of one channel, so that nobody else waits for more than that.
void channels_list(struct channels *channels);
// Goes on with those that had no room, now that there is some.
void channels_feed(struct channels *channels);
void channels_free_ended(struct channels *channels);
// Ends what killed keepers have left to the supervisor. Again whenever a child has ended: it may leave children, too.
// Whether there was any.
bool channels_kill_strays(const struct channels *channels);
// Ends keepers that have not done in time what they had to: somebody inside has stopped them; and those that nobody
// needs. How long until the next one is due, in ms; -1 when nothing is awaited.
int channels_end_late(struct channels *channels);
// Tells the keepers to end what they keep.
void channels_kill(struct channels *channels);

#endif
