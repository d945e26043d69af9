#define _GNU_SOURCE
#include "resolve.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "search.h"
#include "text.h"

extern char **environ;

static const char *without_dots(const char *file) {
  while (file[0] == '.' && file[1] == '/') {
    file += 2;
    file += strspn(file, "/");
  }
  return file;
}

static void print_absolute(const char *file) {
  char folder[PATH_MAX];
  if (file[0] != '/') {
    if (getcwd(folder, sizeof folder) == NULL) return;
    print(stdout, strcmp(folder, "/") == 0 ? "" : folder, "/", NULL);
    file = without_dots(file);
  }
  fputs(file, stdout);
  putchar('\0');
}

static bool print_if_program(const char *file, void *found) {
  struct stat status;
  if (stat(file, &status) != 0 || !S_ISREG(status.st_mode) || access(file, X_OK) != 0) return true;
  print_absolute(file);
  *(bool *)found = true;
  return false;
}

int resolve(const char *file) {
  bool found = false;
  search_program(file, environ, print_if_program, &found);
  return found && fflush(stdout) == 0 ? 0 : 1;
}
