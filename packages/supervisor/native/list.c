#include "list.h"

#include <errno.h>
#include <string.h>

#include "encode.h"
#include "loop.h"
#include "protocol.h"
#include "request.h"
#include "signals.h"
#include "tree.h"

void channel_list(struct channel *channel, uint32_t request) {
  bool first = channel->lists.size == 0;
  tree_forget();
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
    put_number(payload + size, (uint32_t)member->pid, 4);
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
  while (answered < channel->lists.size && stream_has_room(channels.stream)) {
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
    if (!stream_has_room(channels.stream)) return;
  }
}
