#include "listening.h"

#include <stdio.h>
#include <string.h>

enum { LISTEN = 0x0A };

static bool listed(const char *path, uint16_t port) {
  FILE *table = fopen(path, "re");
  if (table == NULL) return false;
  char line[512];
  bool found = false;
  while (!found && fgets(line, sizeof line, table) != NULL) {
    char address[64];
    unsigned local_port, state;
    if (sscanf(line, " %*u: %63[0-9A-F]:%x %*[0-9A-F]:%*x %x", address, &local_port, &state) != 3) continue;
    // 127.0.0.1 and 0.0.0.0 in the order of bytes in memory; of IPv6 only :: takes connections to 127.0.0.1.
    bool reached = strcmp(address, "0100007F") == 0 || strcmp(address, "7F000001") == 0 ||
                   strspn(address, "0") == strlen(address);
    found = reached && state == LISTEN && local_port == port;
  }
  fclose(table);
  return found;
}

bool is_listening(uint16_t port) { return listed("/proc/net/tcp", port) || listed("/proc/net/tcp6", port); }
