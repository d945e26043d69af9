#define _GNU_SOURCE
#include "account.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "entries.h"
#include "home.h"
#include "text.h"

// What is allocated here is this program's until it ends, which is soon.
static void *kept(void *memory) {
  if (memory != NULL) return memory;
  fputs("there is no memory\n", stderr);
  exit(1);
}

static bool read_number(const char *text, uint32_t *id) {
  if (!read_id(text, id)) return false;
  if (*id != NO_ID) return true;
  print(stderr, "no user or group has the number ", text, ": the last one is 2147483647\n", NULL);
  exit(1);
}

static void take_user(struct account *account, const char *user) {
  struct entries entries;
  uint32_t uid = 0;
  bool is_number = *user == '\0' || read_number(user, &uid);
  *account = (struct account){.uid = uid, .name = "", .home = "/"};
  if (find_entry(&entries, PASSWD, is_number ? NULL : user, uid)) {
    uint32_t gid;
    read_id(entries.field[ID], &account->uid);
    if (read_id(entries.field[PASSWD_GROUP], &gid) && gid != NO_ID) account->gid = gid;
    account->name = kept(strdup(entries.field[NAME]));
    account->home = kept(strdup(entries.field[PASSWD_HOME]));
    close_entries(&entries);
  } else if (!is_number) {
    print(stderr, "no user called ", user, "\n", NULL);
    exit(1);
  }
}

static void take_group(struct account *account, const char *group) {
  struct entries entries;
  if (read_number(group, &account->gid)) return;
  if (!find_entry(&entries, GROUP, group, 0)) {
    print(stderr, "no group called ", group, "\n", NULL);
    exit(1);
  }
  read_id(entries.field[ID], &account->gid);
  close_entries(&entries);
}

static void add_group(struct account *account, uint32_t gid) {
  size_t size = (account->group_count + 1) * sizeof gid;
  account->groups = kept(realloc(account->groups, size));
  account->groups[account->group_count++] = gid;
}

static bool is_member(char *members, const char *name) {
  for (const char *member; (member = strsep(&members, ",")) != NULL;) {
    if (strcmp(member, name) == 0) return true;
  }
  return false;
}

static void add_member_groups(struct account *account) {
  struct entries entries = open_entries(GROUP);
  while (next_entry(&entries)) {
    uint32_t gid;
    if (!read_id(entries.field[ID], &gid) || gid == NO_ID || gid == account->gid) continue;
    if (is_member(entries.field[GROUP_MEMBERS], account->name)) add_group(account, gid);
  }
}

static void look_up(struct account *account, const char *spec) {
  char *user = kept(strdup(spec)), *group = strchr(user, ':');
  if (group != NULL) *group++ = '\0';
  bool has_group = group != NULL && *group != '\0';
  take_user(account, user);
  if (has_group) take_group(account, group);
  // The primary one as well: a set-group-id program must not be a way out of it.
  add_group(account, account->gid);
  // As Docker: who says a group means this one alone.
  if (!has_group && *account->name != '\0') add_member_groups(account);
}

static bool is_listed(const char *path, const char *name, uint32_t id) {
  struct entries entries;
  bool found = find_entry(&entries, path, name, id);
  if (found) close_entries(&entries);
  return found;
}

// Another id may have it in this image.
static const char *free_name(const char *path, const char *name, uint32_t id) {
  return is_listed(path, name, 0) ? kept(join(name, decimal(id).text, NULL)) : name;
}

static void add_entry(const char *path, char *line, const char *id) {
  if (add_line(path, kept(line))) return;
  print(stderr, path, " could not get an entry for ", id, ": ", strerror(errno), "\n", NULL);
}

static void add_entries(struct account *account, const char *name) {
  struct decimal uid = decimal(account->uid), gid = decimal(account->gid);
  if (!is_listed(PASSWD, NULL, account->uid)) {
    account->name = free_name(PASSWD, name, account->uid);
    char *line = join(account->name, ":x:", uid.text, ":", gid.text, "::", account->home, ":/bin/sh\n", NULL);
    add_entry(PASSWD, line, uid.text);
  }
  if (!is_listed(GROUP, NULL, account->gid)) {
    const char *group = free_name(GROUP, name, account->gid);
    add_entry(GROUP, join(group, ":x:", gid.text, ":\n", NULL), gid.text);
  }
}

static void take_home(struct account *account, const char *home) {
  bool has_entry = *account->name != '\0';
  if (has_entry && is_home_for(account->home, account)) return;
  account->home = home;
  if (is_home_for(home, account)) return;
  if (make_home(home, account)) return;
  const char *reason = strerror(errno);
  print(stderr, home, " could not be made a home for ", decimal(account->uid).text, ": ", reason, "\n", NULL);
}

static void print_field(const char *text) {
  fputs(text, stdout);
  putchar('\0');
}

static void print_account(const struct account *account) {
  print_field(decimal(account->uid).text);
  print_field(decimal(account->gid).text);
  print_field(account->home);
  print_field(account->name);
  for (size_t i = 0; i < account->group_count; i++) {
    print(stdout, i == 0 ? "" : ",", decimal(account->groups[i]).text, NULL);
  }
  putchar('\0');
}

int account(const char *spec, const char *home, const char *name) {
  struct account found;
  umask(022);
  look_up(&found, spec);
  // The entry that is added says the home.
  if (home != NULL) take_home(&found, home);
  if (name != NULL) add_entries(&found, name);
  print_account(&found);
  return fflush(stdout) == 0 ? 0 : 1;
}
