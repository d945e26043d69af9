#define _GNU_SOURCE
#include "descriptors.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// A loop over all numbers would take minutes where a thousand million may be open.
static bool close_listed(int first, int last) {
  DIR *open_ones = opendir("/proc/self/fd");
  if (open_ones == NULL) return false;
  for (struct dirent *entry; (entry = readdir(open_ones)) != NULL;) {
    int fd = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd >= first && fd <= last && fd != dirfd(open_ones)) close(fd);
  }
  closedir(open_ones);
  return true;
}

void close_range_of(int first, int last) {
  enum { WITHOUT_A_LIST = 65536 };
  // Linux before 5.9 has no such call, and some sandboxes forbid it.
  if (syscall(SYS_close_range, first, last, 0) == 0 || close_listed(first, last)) return;
  for (int fd = first; fd <= last && fd < WITHOUT_A_LIST; fd++) close(fd);
}
