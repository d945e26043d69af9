// Writes numbers as the protocol has them.
#ifndef ENCODE_H
#define ENCODE_H

#include <stdint.h>

// The lowest `size` bytes of it, little-endian.
void put_number(uint8_t *at, uint64_t value, int size);

#endif
