#define _GNU_SOURCE
#include "terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "input.h"
#include "protocol.h"
#include "text.h"

bool make_terminal(const struct spawn *spawn, int *ours, int *theirs) {
  char name[64];
  int number;
  struct winsize size = {.ws_row = spawn->rows, .ws_col = spawn->columns};
  *ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*ours < 0) return false;
  if (grantpt(*ours) != 0 || unlockpt(*ours) != 0 || ioctl(*ours, TIOCGPTN, &number) != 0) return false;
  stpcpy(stpcpy(name, "/dev/pts/"), decimal(number).text);
  *theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*theirs < 0) return false;
  ioctl(*theirs, TIOCSWINSZ, &size);
  // Text is UTF-8: a character that is erased may be several bytes.
  struct termios settings;
  if (tcgetattr(*theirs, &settings) == 0) {
    settings.c_iflag |= IUTF8;
    tcsetattr(*theirs, TCSANOW, &settings);
  }
  return !(spawn->flags & SPAWN_USER) || fchown(*theirs, spawn->uid, spawn->gid) == 0;
}

// termios(3): the end-of-file character in the middle of a line gives the reader what there is of it. The next is its end.
static bool is_within_line(const struct channel *channel, const struct termios *settings) {
  uint8_t last = channel->last_input;
  bool ends = last == '\0' || last == '\n' || (last == '\r' && settings->c_iflag & ICRNL) ||
              last == settings->c_cc[VEOF] || last == settings->c_cc[VEOL] || last == settings->c_cc[VEOL2];
  return settings->c_lflag & ICANON && !ends;
}

// False when the terminal does not take it yet.
bool end_terminal_input(struct channel *channel) {
  struct termios settings;
  bool known = tcgetattr(channel->input.fd, &settings) == 0;
  uint8_t end = known ? settings.c_cc[VEOF] : 4;
  if (known && is_within_line(channel, &settings) && write_input(channel, &end, 1) == 0) return false;
  if (write_input(channel, &end, 1) == 0) return false;
  // More may follow: programs go on after an end of file on a terminal.
  channel->input_ending = false;
  return true;
}

void channel_resize(struct channel *channel, uint16_t columns, uint16_t rows) {
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  if (channel->kind == TERMINAL && channel->input.fd >= 0) ioctl(channel->input.fd, TIOCSWINSZ, &size);
}
