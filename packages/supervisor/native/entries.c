#define _GNU_SOURCE
#include "entries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

const char PASSWD[] = "/etc/passwd", GROUP[] = "/etc/group";

struct entries open_entries(const char *path) { return (struct entries){.file = fopen(path, "re")}; }

void close_entries(struct entries *entries) {
  if (entries->file != NULL) fclose(entries->file);
  free(entries->line);
  *entries = (struct entries){.file = NULL};
}

bool next_entry(struct entries *entries) {
  if (entries->file == NULL || getline(&entries->line, &entries->room, entries->file) < 0) {
    close_entries(entries);
    return false;
  }
  char *rest = entries->line;
  rest[strcspn(rest, "\r\n")] = '\0';
  for (int i = 0; i < MOST_FIELDS; i++) {
    char *field = strsep(&rest, ":");
    entries->field[i] = field == NULL ? entries->line + strlen(entries->line) : field;
  }
  return true;
}

bool read_id(const char *text, uint32_t *id) {
  // As Docker: what a signed number of 32 bits can hold.
  const unsigned long most = INT32_MAX;
  if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') return false;
  unsigned long number = strlen(text) > 10 ? most + 1 : strtoul(text, NULL, 10);
  *id = number > most ? NO_ID : (uint32_t)number;
  return true;
}

bool find_entry(struct entries *entries, const char *path, const char *name, uint32_t id) {
  *entries = open_entries(path);
  while (next_entry(entries)) {
    uint32_t its;
    // Comments, and lines of other times (NIS), have no number.
    if (!read_id(entries->field[ID], &its) || its == NO_ID) continue;
    if (name == NULL ? its == id : strcmp(entries->field[NAME], name) == 0) return true;
  }
  return false;
}

static bool ends_with_a_line_break(int fd) {
  char last;
  off_t size = lseek(fd, 0, SEEK_END);
  return size <= 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

bool add_line(const char *path, const char *line) {
  char *folder = strdup(path);
  if (folder == NULL) return false;
  *strrchr(folder, '/') = '\0';
  mkdir(folder, 0755);
  free(folder);
  int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  // Everybody looks names up there; Podman makes the file for its user alone where an image has none.
  struct stat status;
  if (fstat(fd, &status) == 0 && (status.st_mode & 0444) != 0444) fchmod(fd, (status.st_mode & 0777) | 0444);
  char *text = join(ends_with_a_line_break(fd) ? "" : "\n", line, NULL);
  // In one piece: nobody reads half of it.
  bool added = text != NULL && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  int error = errno;
  free(text);
  close(fd);
  errno = error;
  return added;
}
