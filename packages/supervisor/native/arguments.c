#include "arguments.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "rights.h"
#include "spare.h"

const char USAGE[] =
    "usage: companion-supervisor [--stream DESCRIPTOR] [--capabilities HEX] [--spares COUNT]\n"
    "       companion-supervisor --idle SECONDS\n"
    "       companion-supervisor --resolve FILE\n"
    "       companion-supervisor --account [USER][:GROUP] [--home DIRECTORY] [--name NAME]\n"
    "It speaks a protocol on standard input and output, or on one descriptor that is both.\n";

static bool read_number(const char *text, long most, long *number) {
  if (*text == '\0' || text[strspn(text, "0123456789")] != '\0' || strlen(text) > 10) return false;
  *number = strtol(text, NULL, 10);
  return *number <= most;
}

static bool read_stream(const char *text, struct arguments *arguments) {
  long fd;
  if (!read_number(text, INT_MAX, &fd)) return false;
  arguments->from = arguments->to = (int)fd;
  return fcntl(arguments->from, F_GETFD) >= 0;
}

// As in /proc/PID/status.
static bool read_capabilities(const char *text, uint64_t *capabilities) {
  if (*text == '\0' || text[strspn(text, "0123456789abcdefABCDEF")] != '\0' || strlen(text) > 16) return false;
  *capabilities = strtoull(text, NULL, 16);
  return true;
}

// A line of "passwd" or "group" ends with a line break, and its fields with a colon.
static bool is_name(const char *text) { return *text != '\0' && *text != '-' && strpbrk(text, ":,/\n") == NULL; }
static bool is_folder(const char *text) {
  return text[0] == '/' && text[strspn(text, "/")] != '\0' && strpbrk(text, ":\n") == NULL;
}

static bool read_account_option(const char *option, const char *value, struct arguments *arguments) {
  if (strcmp(option, "--name") == 0 && is_name(value)) {
    arguments->name = value;
    return true;
  }
  if (strcmp(option, "--home") == 0 && is_folder(value)) {
    arguments->home = value;
    return true;
  }
  return false;
}

static bool read_option(const char *option, const char *value, struct arguments *arguments) {
  if (arguments->what == ACCOUNT) return read_account_option(option, value, arguments);
  if (arguments->what != SUPERVISE) return false;
  if (strcmp(option, "--stream") == 0) return read_stream(value, arguments);
  if (strcmp(option, "--spares") == 0) return read_number(value, MOST_SPARE, &arguments->spares);
  return strcmp(option, "--capabilities") == 0 && read_capabilities(value, &arguments->capabilities);
}

// What the first argument chooses; it takes the one after it. False for what chooses nothing.
static bool choose(const char *option, const char *value, struct arguments *arguments) {
  if (strcmp(option, "--resolve") == 0) {
    arguments->what = RESOLVE;
    arguments->file = value;
  } else if (strcmp(option, "--account") == 0) {
    arguments->what = ACCOUNT;
    arguments->user = value;
  } else if (strcmp(option, "--idle") == 0) {
    arguments->what = IDLE;
    arguments->idle = value;
  }
  return arguments->what != SUPERVISE;
}

bool read_arguments(char *const *argv, struct arguments *arguments) {
  enum { MOST_SECONDS = 1000 * 1000 * 1000 };
  *arguments = (struct arguments){.from = 0, .to = 1, .capabilities = EVERY_CAPABILITY, .spares = MOST_SPARE};
  char *const *at = argv[0] == NULL ? argv : argv + 1;
  if (*at != NULL && strcmp(*at, "--version") == 0) {
    arguments->what = SAY_VERSION;
    return at[1] == NULL;
  }
  if (*at != NULL && at[1] != NULL && choose(*at, at[1], arguments)) at += 2;
  for (; *at != NULL; at += 2) {
    if (at[1] == NULL || !read_option(at[0], at[1], arguments)) return false;
  }
  return arguments->what != IDLE || read_number(arguments->idle, MOST_SECONDS, &arguments->idle_seconds);
}
