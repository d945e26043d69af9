#include "order.h"

#include <stdlib.h>
#include <string.h>

struct order *keep_order(const struct spawn *spawn, const struct streams *streams) {
  struct order *order = malloc(sizeof *order + spawn->size);
  if (order == NULL) return NULL;
  order->streams = *streams;
  order->size = spawn->size;
  memcpy(order->payload, spawn->payload, spawn->size);
  return order;
}

void drop_order(struct order **order) {
  if (*order == NULL) return;
  close_streams(&(*order)->streams);
  free(*order);
  *order = NULL;
}
