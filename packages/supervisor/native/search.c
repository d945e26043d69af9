#include "search.h"

#include <string.h>

static const char *variable(char *const *envp, const char *name) {
  size_t size = strlen(name);
  for (; *envp != NULL; envp++) {
    if (strncmp(*envp, name, size) == 0 && (*envp)[size] == '=') return *envp + size + 1;
  }
  return NULL;
}

void search_program(const char *name, char *const *envp, bool (*attempt)(const char *file, void *context), void *context) {
  if (*name == '\0') return;
  if (strchr(name, '/') != NULL) {
    attempt(name, context);
    return;
  }
  const char *path = variable(envp, "PATH");
  if (path == NULL) path = "/usr/local/bin:/usr/bin:/bin";
  char file[4096];
  for (const char *at = path;; at++) {
    size_t entry_size = strcspn(at, ":"), name_size = strlen(name);
    // An empty entry is the working directory.
    const char *folder = entry_size == 0 ? "." : at;
    size_t size = entry_size == 0 ? 1 : entry_size;
    if (size + 1 + name_size < sizeof file) {
      memcpy(file, folder, size);
      file[size] = '/';
      memcpy(file + size + 1, name, name_size + 1);
      if (!attempt(file, context)) return;
    }
    at += entry_size;
    if (*at == '\0') return;
  }
}
