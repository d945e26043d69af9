#define _GNU_SOURCE
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

// Reads the beginning of a file; -1 when it cannot be read.
static ssize_t read_file(const char *path, char *bytes, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t got = read(fd, bytes, size - 1);
  close(fd);
  if (got >= 0) bytes[got] = '\0';
  return got;
}

// Of a process, in /proc.
static ssize_t read_proc(pid_t pid, const char *file, char *bytes, size_t size) {
  char path[64];
  stpcpy(stpcpy(stpcpy(path, "/proc/"), decimal(pid).text), file);
  return read_file(path, bytes, size);
}

static void copy_name(struct member *member, const char *name) {
  size_t size = strnlen(name, sizeof member->name - 1);
  memcpy(member->name, name, size);
  member->name[size] = '\0';
}

// Of the numbers in proc(5)'s stat that follow the state.
enum { PARENT = 0, GROUP = 1, THREADS = 16, NUMBERS };

// proc(5): "pid (name) state ppid …", where the name may hold anything. False for one that has ended.
static bool read_stat(pid_t pid, struct member *member) {
  char stat[512];
  if (read_proc(pid, "/stat", stat, sizeof stat) <= 0) return false;
  char *name = strchr(stat, '('), *end = strrchr(stat, ')');
  if (name == NULL || end == NULL || end[1] != ' ' || end[2] == '\0') return false;
  char state = end[2], *at = end + 3;
  long numbers[NUMBERS];
  for (int i = 0; i < NUMBERS; i++) numbers[i] = strtol(at, &at, 10);
  // One whose first thread has ended looks dead, and its others run.
  if (state == 'X' || (state == 'Z' && numbers[THREADS] <= 1)) return false;
  *end = '\0';
  member->pid = pid;
  member->parent = (pid_t)numbers[PARENT];
  member->group = (pid_t)numbers[GROUP];
  copy_name(member, name + 1);
  return true;
}

// The kernel cuts names to 15 bytes; the command line has the rest.
static void read_long_name(struct member *member) {
  if (strlen(member->name) < 15) return;
  char command[4096];
  if (read_proc(member->pid, "/cmdline", command, sizeof command) <= 0) return;
  const char *slash = strrchr(command, '/'), *name = slash == NULL ? command : slash + 1;
  if (strncmp(name, member->name, strlen(member->name)) != 0) return;
  copy_name(member, name);
}

static bool add(struct members *members, size_t *room, const struct member *member) {
  if (members->size == *room) {
    size_t more = *room == 0 ? 64 : *room * 2;
    struct member *list = realloc(members->list, more * sizeof *list);
    if (list == NULL) return false;
    members->list = list;
    *room = more;
  }
  members->list[members->size++] = *member;
  return true;
}

static int by_parent(const void *one, const void *other) {
  const struct member *a = one, *b = other;
  return a->parent != b->parent ? (a->parent > b->parent) - (a->parent < b->parent) : (a->pid > b->pid) - (a->pid < b->pid);
}

static size_t first_child(const struct members *all, pid_t parent) {
  size_t from = 0, to = all->size;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (all->list[middle].parent < parent) from = middle + 1;
    else to = middle;
  }
  return from;
}

static bool read_all(struct members *all) {
  DIR *proc = opendir("/proc");
  if (proc == NULL) return false;
  bool enough = true;
  size_t room = 0;
  for (struct dirent *entry; enough && (entry = readdir(proc)) != NULL;) {
    struct member member;
    pid_t pid = (pid_t)atoi(entry->d_name);
    if (pid > 0 && read_stat(pid, &member)) enough = add(all, &room, &member);
  }
  closedir(proc);
  if (enough && all->size > 0) qsort(all->list, all->size, sizeof *all->list, by_parent);
  return enough;
}

// What /proc has said, and whether everybody who asks in this turn gets the same answer.
static struct members table;
static bool shared;

void tree_forget(void) { members_free(&table); }

void tree_share(bool for_this_turn) {
  tree_forget();
  shared = for_this_turn;
}

// Each pass takes the children of those that the pass before has taken.
static bool collect(pid_t ancestor, struct members *members) {
  size_t room = 0;
  pid_t parent = ancestor;
  for (size_t next = 0;;) {
    for (size_t i = first_child(&table, parent); i < table.size && table.list[i].parent == parent; i++) {
      // A number that was given to another while this was read could make a circle.
      if (members->size == table.size || !add(members, &room, &table.list[i])) return members->size == table.size;
      read_long_name(&members->list[members->size - 1]);
    }
    if (next == members->size) return true;
    parent = members->list[next++].pid;
  }
}

bool descendants_of(pid_t ancestor, struct members *members) {
  *members = (struct members){NULL, 0};
  bool complete = (table.size > 0 || read_all(&table)) && collect(ancestor, members);
  if (!complete) members_free(members);
  if (!complete || !shared) tree_forget();
  return complete;
}

void members_free(struct members *members) {
  free(members->list);
  *members = (struct members){NULL, 0};
}

struct signalled {
  size_t reached, refused;
};

static void signal_one(pid_t pid, int signal, struct signalled *count) {
  if (pid <= 0) return;
  if (kill(pid, signal) == 0) count->reached++;
  else if (errno == EPERM) count->refused++;
}

// Kernels without this file are rare; there the whole of /proc is read.
static bool signal_listed_children(int signal, struct signalled *count) {
  char path[64];
  stpcpy(stpcpy(stpcpy(path, "/proc/self/task/"), decimal(getpid()).text), "/children");
  FILE *children = fopen(path, "re");
  if (children == NULL) return false;
  char *number = NULL;
  size_t room = 0;
  while (getdelim(&number, &room, ' ', children) > 0) signal_one((pid_t)atoi(number), signal, count);
  free(number);
  fclose(children);
  return true;
}

static bool signal_members(int signal, bool only_children, struct signalled *count) {
  struct members members;
  if (!descendants_of(getpid(), &members)) return false;
  for (size_t i = 0; i < members.size; i++) {
    if (!only_children || members.list[i].parent == getpid()) signal_one(members.list[i].pid, signal, count);
  }
  members_free(&members);
  return true;
}

bool signal_children(int signal, bool *refused) {
  struct signalled count = {0, 0};
  bool done = signal_listed_children(signal, &count) || signal_members(signal, true, &count);
  *refused = count.refused > 0 && count.reached == 0;
  return done;
}

bool signal_descendants(int signal, bool *refused) {
  struct signalled count = {0, 0};
  bool done = signal_members(signal, false, &count);
  *refused = count.refused > 0 && count.reached == 0;
  return done;
}
