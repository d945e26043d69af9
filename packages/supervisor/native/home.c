#define _GNU_SOURCE
#include "home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rights.h"
#include "text.h"

enum { HOME_MODE = 0755 };

static _Noreturn void try_as(const char *path, const struct account *user) {
  struct stat found;
  bool is_user = geteuid() == user->uid || switch_user(user->uid, user->gid, user->groups, user->group_count);
  bool usable = is_user && stat(path, &found) == 0 && S_ISDIR(found.st_mode) && access(path, W_OK | X_OK) == 0;
  _exit(usable ? 0 : 1);
}

// Whoever tries it knows: modes, lists of access, read-only mounts and what lies above it all have a say.
bool is_home_for(const char *path, const struct account *user) {
  int status = 1;
  pid_t child = fork();
  if (child == 0) try_as(path, user);
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return status == 0;
}

static bool make_parents(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool there = mkdir(path, HOME_MODE) == 0 || errno == EEXIST;
    *slash = '/';
    if (!there) return false;
  }
  return true;
}

// proc(5): the mount that a descriptor's file is in; -1 where nobody says.
static int mount_of(int fd) {
  static const char field[] = "mnt_id:";
  char path[64], line[256];
  int id = -1;
  stpcpy(stpcpy(path, "/proc/self/fdinfo/"), decimal(fd).text);
  FILE *info = fopen(path, "re");
  if (info == NULL) return -1;
  while (id < 0 && fgets(line, sizeof line, info) != NULL) {
    if (strncmp(line, field, sizeof field - 1) == 0) id = atoi(line + sizeof field - 1);
  }
  fclose(info);
  return id;
}

static int open_entry(int folder, const char *name) { return openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC); }

static bool is_other_mount(int folder, int fd) {
  int mount = mount_of(folder);
  return mount >= 0 && mount_of(fd) >= 0 && mount_of(fd) != mount;
}

static bool for_each_entry(int folder, bool (*visit)(int folder, const char *name, void *context), void *context) {
  int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = again < 0 ? NULL : fdopendir(again);
  if (list == NULL) {
    if (again >= 0) close(again);
    return false;
  }
  bool all = true;
  for (struct dirent *entry; all && (entry = readdir(list)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    all = visit(folder, entry->d_name, context);
  }
  closedir(list);
  return all;
}

// A directory of root's with nothing in it but mounts, and the ways to them: so does an engine leave what is missing above
// a mount. Everything else is somebody's, and stays theirs.
static bool leads_to_mounts_only(int folder);

static bool is_mount_or_leads_there(int folder, const char *name, void *context) {
  (void)context;
  int fd = open_entry(folder, name);
  bool is = fd >= 0 && (is_other_mount(folder, fd) || leads_to_mounts_only(fd));
  if (fd >= 0) close(fd);
  return is;
}

static bool leads_to_mounts_only(int folder) {
  struct stat found;
  return fstat(folder, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == 0 &&
         for_each_entry(folder, is_mount_or_leads_there, NULL);
}

static bool give(int folder, const struct account *user);

static bool give_entry(int folder, const char *name, void *user) {
  int fd = open_entry(folder, name);
  bool done = fd >= 0 && (is_other_mount(folder, fd) || give(fd, user));
  if (fd >= 0) close(fd);
  return done;
}

static bool give(int folder, const struct account *user) {
  return fchownat(folder, "", user->uid, user->gid, AT_EMPTY_PATH) == 0 &&
         for_each_entry(folder, give_entry, (void *)user);
}

static bool is_mount(int folder) {
  int above = openat(folder, "..", O_PATH | O_CLOEXEC);
  bool known = above >= 0 && mount_of(above) >= 0;
  bool is = !known || is_other_mount(above, folder);
  if (above >= 0) close(above);
  return is;
}

bool make_home(const char *path, const struct account *user) {
  char *parents = strdup(path);
  bool made = parents != NULL && make_parents(parents);
  free(parents);
  if (!made) return false;
  if (mkdir(path, HOME_MODE) != 0 && errno != EEXIST) return false;
  int fd = open_entry(AT_FDCWD, path);
  if (fd < 0) return false;
  errno = EACCES;
  bool given = !is_mount(fd) && leads_to_mounts_only(fd) && give(fd, user);
  int error = errno;
  close(fd);
  errno = error;
  return given;
}
