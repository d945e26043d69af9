#define _GNU_SOURCE
#include "channel.h"

#include <stdlib.h>

#include "deadline.h"
#include "encode.h"
#include "input.h"
#include "order.h"
#include "output.h"
#include "process.h"
#include "protocol.h"

struct channels channels;

static struct channel **place_of(const struct channels *all, uint32_t id) {
  size_t places = sizeof all->table / sizeof *all->table;
  return (struct channel **)&all->table[id % places];
}

struct channel *channel_find(const struct channels *all, uint32_t id) {
  struct channel *channel = *place_of(all, id);
  while (channel != NULL && channel->id != id) channel = channel->next;
  return channel;
}

struct channel *new_channel(uint32_t id, int kind) {
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

void close_output(struct output *output) {
  stream_let_go(channels.stream, output->source.fd);
  close_source(&output->source);
}

void end_channel(struct channel *channel) {
  forget_deadline(channel);
  drop_order(&channel->order);
  close_source(&channel->input);
  close_source(&channel->link);
  for (int i = 0; i < 2; i++) close_output(&channel->outputs[i]);
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

void end_if_gone(struct channel *channel) {
  bool outputs_ended = channel->outputs[OUT].ended && channel->outputs[ERR].ended;
  if (channel->kind == CONNECTION) {
    bool reset = channel->reset != 0;
    if (!reset && !(outputs_ended && channel->input.fd < 0)) return;
    uint8_t error[4];
    put_number(error, channel->reset, 4);
    stream_frame(channels.stream, GONE, channel->id, error, reset ? sizeof error : 0);
  } else {
    if (!channel->exit_sent || !outputs_ended || channel->link.fd >= 0) return;
    stream_frame(channels.stream, GONE, channel->id, NULL, 0);
  }
  end_channel(channel);
}
