// Puts text together. The printf(3) family would be a fifth of the program: it brings arithmetic for every kind of number.
#ifndef TEXT_H
#define TEXT_H

#include <stdio.h>

struct decimal {
  char text[21];
};

struct decimal decimal(long number);
// All of these, up to NULL, in memory that the caller frees; NULL for want of memory.
char *join(const char *first, ...) __attribute__((sentinel));
// Prints all of these, up to NULL.
void print(FILE *to, const char *first, ...) __attribute__((sentinel));

#endif
