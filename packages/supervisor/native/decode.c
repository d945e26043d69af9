#include "decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"

static uint64_t take(struct reader *reader, size_t size) {
  if (reader->left < size) {
    reader->failed = true;
    reader->left = 0;
    return 0;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < size; i++) value |= (uint64_t)reader->at[i] << (8 * i);
  reader->at += size;
  reader->left -= size;
  return value;
}

uint8_t take_u8(struct reader *reader) { return (uint8_t)take(reader, 1); }
uint16_t take_u16(struct reader *reader) { return (uint16_t)take(reader, 2); }
uint32_t take_u32(struct reader *reader) { return (uint32_t)take(reader, 4); }
bool taken_whole(const struct reader *reader) { return !reader->failed && reader->left == 0; }

enum decoded decode_frame(const uint8_t *bytes, size_t size, struct frame *frame, size_t *whole) {
  *whole = LENGTH_SIZE + HEADER_SIZE;
  if (size < *whole) return DECODED_NEED_MORE;
  struct reader reader = {bytes, size, false};
  uint32_t length = take_u32(&reader);
  frame->type = take_u8(&reader);
  frame->id = take_u32(&reader);
  size_t most = frame->type == SPAWN ? MAX_SPAWN_PAYLOAD : MAX_PAYLOAD;
  if (length < HEADER_SIZE || length - HEADER_SIZE > most) return DECODED_WRONG;
  *whole = LENGTH_SIZE + (size_t)length;
  if (size < *whole) return DECODED_NEED_MORE;
  frame->payload = reader.at;
  frame->size = length - HEADER_SIZE;
  return DECODED_FRAME;
}

// The next string, or NULL when no zero byte ends it.
static char *take_string(struct reader *reader) {
  const uint8_t *end = reader->left == 0 ? NULL : memchr(reader->at, 0, reader->left);
  if (end == NULL) {
    reader->failed = true;
    return NULL;
  }
  char *string = (char *)reader->at;
  size_t size = (size_t)(end - reader->at) + 1;
  reader->at += size;
  reader->left -= size;
  return string;
}

static size_t count(char *const *list) {
  size_t size = 0;
  while (list != NULL && list[size] != NULL) size++;
  return size;
}

static int by_name(const void *one, const void *other) {
  const char *a = *(char *const *)one, *b = *(char *const *)other;
  while (*a == *b && *a != '=' && *a != '\0') a++, b++;
  bool a_ends = *a == '=' || *a == '\0', b_ends = *b == '=' || *b == '\0';
  if (a_ends || b_ends) return b_ends - a_ends;
  return (unsigned char)*a - (unsigned char)*b;
}

// Adds the supervisor's own variables that none of the given ones replaces. Looked up and not compared each with each:
// there may be millions. False for want of memory.
static bool add_own(char **envp, size_t given, char *const *own_env, size_t own_size) {
  char **own = envp + given;
  bool *replaced = calloc(own_size, sizeof *replaced);
  if (replaced == NULL) return false;
  memcpy(own, own_env, own_size * sizeof *own);
  qsort(own, own_size, sizeof *own, by_name);
  for (size_t i = 0; i < given; i++) {
    char **found = strchr(envp[i], '=') == NULL ? NULL : bsearch(&envp[i], own, own_size, sizeof *own, by_name);
    if (found != NULL) replaced[found - own] = true;
  }
  size_t size = 0;
  for (size_t i = 0; i < own_size; i++) {
    if (!replaced[i]) own[size++] = own[i];
  }
  own[size] = NULL;
  free(replaced);
  return true;
}

// Only who runs as somebody else has others. False with errno, which is ENOMEM or 0.
static bool take_groups(struct reader *reader, struct spawn *spawn) {
  if (!(spawn->flags & SPAWN_GROUPS)) return true;
  uint32_t count = take_u32(reader);
  if (reader->failed || !(spawn->flags & SPAWN_USER) || count > reader->left / sizeof(uint32_t)) return false;
  spawn->groups = calloc((size_t)count + 1, sizeof *spawn->groups);
  if (spawn->groups == NULL) return errno = ENOMEM, false;
  spawn->group_count = count;
  for (uint32_t i = 0; i < count; i++) spawn->groups[i] = take_u32(reader);
  return true;
}

static bool refuse(struct spawn *spawn, int error) {
  spawn_free(spawn);
  errno = error;
  return false;
}

bool decode_spawn(const uint8_t *payload, size_t size, char *const *own_env, struct spawn *spawn) {
  struct reader reader = {payload, size, false};
  memset(spawn, 0, sizeof *spawn);
  spawn->payload = payload;
  spawn->size = size;
  errno = 0;
  spawn->flags = take_u32(&reader);
  for (int i = 0; i < 2; i++) spawn->window[i] = take_u32(&reader);
  spawn->columns = take_u16(&reader);
  spawn->rows = take_u16(&reader);
  spawn->uid = take_u32(&reader);
  spawn->gid = take_u32(&reader);
  uint32_t arguments = take_u32(&reader);
  uint32_t variables = take_u32(&reader);
  if (!take_groups(&reader, spawn)) return false;
  // Each string has at least its zero byte: more of them than bytes are left cannot be there.
  if (reader.failed || arguments == 0 || arguments > reader.left || variables > reader.left) return refuse(spawn, 0);
  size_t own = spawn->flags & SPAWN_ADDS_ENV ? count(own_env) : 0;
  spawn->argv = calloc((size_t)arguments + 3, sizeof(char *));
  spawn->envp = calloc((size_t)variables + own + 1, sizeof(char *));
  if (spawn->argv == NULL || spawn->envp == NULL) return refuse(spawn, ENOMEM);
  spawn->cwd = take_string(&reader);
  for (uint32_t i = 0; i < arguments && !reader.failed; i++) spawn->argv[i] = take_string(&reader);
  for (uint32_t i = 0; i < variables && !reader.failed; i++) spawn->envp[i] = take_string(&reader);
  if (!taken_whole(&reader)) return refuse(spawn, 0);
  if (own > 0 && !add_own(spawn->envp, variables, own_env, own)) return refuse(spawn, ENOMEM);
  return true;
}

void spawn_free(struct spawn *spawn) {
  free(spawn->argv);
  free(spawn->envp);
  free(spawn->groups);
  spawn->argv = NULL;
  spawn->envp = NULL;
  spawn->groups = NULL;
}
