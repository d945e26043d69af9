// A user's home.
#ifndef HOME_H
#define HOME_H

#include <stdbool.h>

#include "account.h"

// Whether it is a directory that this user can enter and write to.
bool is_home_for(const char *path, const struct account *user);
// Makes it, and what is missing above it. One that an engine has made, to mount something in it, it gives to the user.
// False with errno.
bool make_home(const char *path, const struct account *user);

#endif
