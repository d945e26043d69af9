// companion-supervisor --resolve FILE
#ifndef RESOLVE_H
#define RESOLVE_H

// Prints the absolute path that a SPAWN of FILE would run with this process's variables, directory and user, and a zero
// byte. The exit code: 0, or 1 where there is none.
int resolve(const char *file);

#endif
