// Who a program runs as, and what it may do at most.
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

enum { CAPABILITY_BITS = 64 };
static const uint64_t EVERY_CAPABILITY = UINT64_MAX;

// capabilities(7): what programs may have at most, whoever they run as. The supervisor itself keeps what it has.
extern uint64_t allowed_capabilities;

// In a process of its own, on the way to exec(2). False with errno.
bool take_rights(const struct spawn *spawn);
bool switch_user(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t group_count);

#endif
