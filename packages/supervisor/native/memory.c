#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

enum { LIKELIER = 100, LIKELIEST = 1000 };

static char adjustment[16];  // of programs, as text; empty where they get none
static int counter = -1;
static long seen;

// "oom_kill N" stands on a line of its own in both versions of the file.
static long read_counter(void) {
  char text[1024];
  ssize_t got = counter < 0 ? -1 : pread(counter, text, sizeof text - 1, 0);
  if (got <= 0) return 0;
  text[got] = '\0';
  const char *line = strstr(text, "oom_kill ");
  return line == NULL ? 0 : atol(line + strlen("oom_kill "));
}

static bool open_counter(const char *root, const char *group, const char *file) {
  char *path = join(root, group, "/", file, NULL);
  if (path != NULL) counter = open(path, O_RDONLY | O_CLOEXEC);
  free(path);
  return counter >= 0;
}

static void prepare_offer(void) {
  char text[16];
  int fd = getpid() == 1 ? open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC) : -1;
  ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (got <= 0) return;
  text[got] = '\0';
  int wanted = atoi(text) + LIKELIER;
  strcpy(adjustment, decimal(wanted < LIKELIEST ? wanted : LIKELIEST).text);
}

void memory_offer(void) {
  int fd = adjustment[0] == '\0' ? -1 : open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  // Where this may not be, it is not.
  if (write(fd, adjustment, strlen(adjustment)) < 0) errno = 0;
  close(fd);
}

void memory_watch(void) {
  prepare_offer();
  FILE *groups = fopen("/proc/self/cgroup", "re");
  if (groups == NULL) return;
  char *line = NULL;
  size_t room = 0;
  // cgroups(7): "hierarchy:controllers:path"; version 2 has an empty list of controllers. In a container the path may
  // be the host's, while what is mounted begins at the container's.
  while (counter < 0 && getline(&line, &room, groups) > 0) {
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':'), *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (path == NULL) continue;
    *path++ = '\0';
    controllers++;
    if (*controllers == '\0') {
      if (!open_counter("/sys/fs/cgroup", path, "memory.events")) open_counter("/sys/fs/cgroup", "", "memory.events");
    } else if (strcmp(controllers, "memory") == 0) {
      const char *root = "/sys/fs/cgroup/memory";
      if (!open_counter(root, path, "memory.oom_control")) open_counter(root, "", "memory.oom_control");
    }
  }
  free(line);
  fclose(groups);
  seen = read_counter();
}

bool memory_ran_out(void) {
  long now = read_counter();
  bool rose = now > seen;
  // Descendants are counted, too: what has risen is not for the next one.
  seen = now;
  return rose;
}
