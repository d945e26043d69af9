#define _GNU_SOURCE
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct decimal decimal(long number) {
  struct decimal decimal;
  char *at = decimal.text + sizeof decimal.text - 1;
  unsigned long left = number < 0 ? -(unsigned long)number : (unsigned long)number;
  *at = '\0';
  do *--at = (char)('0' + left % 10);
  while ((left /= 10) > 0);
  if (number < 0) *--at = '-';
  memmove(decimal.text, at, strlen(at) + 1);
  return decimal;
}

char *join(const char *first, ...) {
  va_list list;
  size_t size = 1;
  va_start(list, first);
  for (const char *text = first; text != NULL; text = va_arg(list, const char *)) size += strlen(text);
  va_end(list);
  char *joined = malloc(size), *at = joined;
  if (joined == NULL) return NULL;
  *joined = '\0';
  va_start(list, first);
  for (const char *text = first; text != NULL; text = va_arg(list, const char *)) at = stpcpy(at, text);
  va_end(list);
  return joined;
}

void print(FILE *to, const char *first, ...) {
  va_list list;
  va_start(list, first);
  for (const char *text = first; text != NULL; text = va_arg(list, const char *)) fputs(text, to);
  va_end(list);
}
