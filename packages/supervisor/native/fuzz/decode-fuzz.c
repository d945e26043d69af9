// Feeds the decoder: the first byte chooses between a sequence of frames and the payload of one SPAWN.
#include <stdlib.h>
#include <string.h>

#include "../decode.h"
#include "../protocol.h"

static char *own_env[] = {"PATH=/bin", "HOME=/", "NOTHING", "=", "", NULL};

// Every string lies within the payload, or is one of the own variables.
static void read_strings(char **list, const uint8_t *payload, size_t size) {
  for (size_t i = 0; list[i] != NULL; i++) {
    bool own = false;
    for (size_t j = 0; own_env[j] != NULL; j++) own = own || list[i] == own_env[j];
    const uint8_t *at = (const uint8_t *)list[i];
    if (!own && (at < payload || at + strlen(list[i]) >= payload + size)) abort();
  }
}

static void read_spawn(const uint8_t *payload, size_t size) {
  struct spawn spawn;
  if (!decode_spawn(payload, size, own_env, &spawn)) {
    if (spawn.argv != NULL || spawn.envp != NULL || spawn.groups != NULL) abort();
    return;
  }
  if (spawn.argv[0] == NULL || strlen(spawn.cwd) >= size) abort();
  if (spawn.group_count > size / sizeof *spawn.groups || (spawn.groups == NULL && spawn.group_count > 0)) abort();
  read_strings(spawn.argv, payload, size);
  read_strings(spawn.envp, payload, size);
  spawn_free(&spawn);
}

static void read_frames(const uint8_t *bytes, size_t size) {
  struct frame frame;
  size_t whole;
  while (decode_frame(bytes, size, &frame, &whole) == DECODED_FRAME) {
    if (whole > size || frame.payload < bytes || frame.payload + frame.size != bytes + whole) abort();
    if (frame.type == SPAWN) read_spawn(frame.payload, frame.size);
    bytes += whole;
    size -= whole;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  // Of exactly this size, so that one byte more is noticed.
  uint8_t *bytes = malloc(size - 1);
  memcpy(bytes, data + 1, size - 1);
  if (data[0] & 1) read_spawn(bytes, size - 1);
  else read_frames(bytes, size - 1);
  free(bytes);
  return 0;
}
