// Reads what a client sent. Trusts nothing: every length is compared with what is there.
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
  uint8_t type;
  uint32_t id;
  const uint8_t *payload;
  size_t size;
};

enum decoded { DECODED_FRAME, DECODED_NEED_MORE, DECODED_WRONG };

// Finds the frame at the beginning of `bytes`. `whole` is its size there, known as soon as its header has come.
enum decoded decode_frame(const uint8_t *bytes, size_t size, struct frame *frame, size_t *whole);

struct spawn {
  uint32_t flags;
  uint32_t window[2];
  uint16_t columns, rows;
  uint32_t uid, gid;
  uint32_t *groups;  // the supplementary ones
  size_t group_count;
  const char *cwd;
  char **argv;  // ends with NULL; has two places more before it, for a script without interpreter
  char **envp;  // ends with NULL
  const uint8_t *payload;  // what all this was read from
  size_t size;
};

// False for a payload that is none, and for want of memory, which errno (ENOMEM) tells apart. The strings are those
// of `payload`; the lists are the caller's, who calls spawn_free().
bool decode_spawn(const uint8_t *payload, size_t size, char *const *own_env, struct spawn *spawn);
void spawn_free(struct spawn *spawn);

// Takes numbers from the front of a payload, and remembers whether all of them were there.
struct reader {
  const uint8_t *at;
  size_t left;
  bool failed;
};

uint8_t take_u8(struct reader *reader);
uint16_t take_u16(struct reader *reader);
uint32_t take_u32(struct reader *reader);
// Whether all numbers were there and nothing is left.
bool taken_whole(const struct reader *reader);

#endif
