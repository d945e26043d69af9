#include "listening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTEN = 0x0A };

// By a connection to 127.0.0.1 or ::1. Words of the address in the order of bytes in memory.
static bool is_reached(const char *address) {
  static const char *const loopbacks[] = {
      "0100007F", "7F000001", "00000000000000000000000001000000", "00000000000000000000000000000001",
  };
  // :: and 0.0.0.0, which may be mapped into IPv6, as 127.0.0.1 may.
  if (strspn(address, "0") == strlen(address)) return true;
  for (size_t i = 0; i < sizeof loopbacks / sizeof *loopbacks; i++) {
    if (strcmp(address, loopbacks[i]) == 0) return true;
  }
  const char *mapped = "0000000000000000FFFF0000", *mapped_big = "00000000000000000000FFFF";
  size_t size = strlen(mapped);
  bool is_mapped = strncmp(address, mapped, size) == 0 || strncmp(address, mapped_big, size) == 0;
  return is_mapped && is_reached(address + size);
}

struct entry {
  const char *address;
  unsigned long port, state;
};

// proc_net_tcp: "number: address:port address:port state …", all of it hexadecimal. False for the head of the table.
static bool read_entry(char *line, struct entry *entry) {
  char *number = strchr(line, ':'), *local = number == NULL ? NULL : strchr(number + 1, ':');
  if (local == NULL) return false;
  *local++ = '\0';
  entry->address = number + 1 + strspn(number + 1, " ");
  entry->port = strtoul(local, &local, 16);
  char *remote = strchr(local, ':');
  if (remote == NULL) return false;
  strtoul(remote + 1, &remote, 16);
  entry->state = strtoul(remote, NULL, 16);
  return true;
}

static bool listed(const char *path, uint16_t port) {
  FILE *table = fopen(path, "re");
  if (table == NULL) return false;
  char line[512];
  bool found = false;
  while (!found && fgets(line, sizeof line, table) != NULL) {
    struct entry entry;
    found = read_entry(line, &entry) && is_reached(entry.address) && entry.state == LISTEN && entry.port == port;
  }
  fclose(table);
  return found;
}

bool is_listening(uint16_t port) { return listed("/proc/net/tcp", port) || listed("/proc/net/tcp6", port); }
