// passwd(5) and group(5), read and added to without a C library's own way to them, which is another one in every image.
#ifndef ENTRIES_H
#define ENTRIES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

extern const char PASSWD[], GROUP[];

enum { NAME = 0, ID = 2 };
enum { PASSWD_GROUP = 3, PASSWD_HOME = 5, GROUP_MEMBERS = 3, MOST_FIELDS = 7 };

// The entries of such a file one after the other; of a file that is not there, none.
struct entries {
  FILE *file;
  char *line;
  size_t room;
  char *field[MOST_FIELDS];  // "" where the line has no more
};

struct entries open_entries(const char *path);
// False at the end, which closes it.
bool next_entry(struct entries *entries);
void close_entries(struct entries *entries);

// Digits alone. False for a name; `*id` is NO_ID for a number that no id is.
bool read_id(const char *text, uint32_t *id);
static const uint32_t NO_ID = UINT32_MAX;

// The first entry with this name, or, where that is NULL, with this id. It stays open: its fields are of use.
bool find_entry(struct entries *entries, const char *path, const char *name, uint32_t id);

// Adds a line (which ends with a line break), and what is missing of the path. False with errno.
bool add_line(const char *path, const char *line);

#endif
