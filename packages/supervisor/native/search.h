// Where a program is: the same search for what is started and for what is only asked for.
#ifndef SEARCH_H
#define SEARCH_H

#include <stdbool.h>

// Hands over every path that may be the program, in their order, until `attempt` returns false: of a name with a slash
// that one, else one for each entry of PATH in the program's own variables, as a shell does. Relative ones begin at the
// working directory. Allocates nothing.
void search_program(const char *name, char *const *envp, bool (*attempt)(const char *file, void *context), void *context);

#endif
