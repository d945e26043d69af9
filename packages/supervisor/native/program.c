#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "protocol.h"
#include "rights.h"
#include "search.h"

unsigned long original_open_files = 1024;

// Where the program's process says why it is none: a pipe, which exec(2) closes. Not the memory that vfork(2) shares:
// under an emulator it shares none, and does not wait either.
static int failures[2];

static void fail_with(uint8_t phase, uint8_t detail, int error) {
  struct failure failure;
  memset(&failure, 0, sizeof failure);
  failure.error = error;
  failure.phase = phase;
  failure.detail = detail;
  _exit(write(failures[1], &failure, sizeof failure) < 0 ? 126 : 127);
}

static void fail(uint8_t phase, int error) { fail_with(phase, 0, error); }

static void take_terminal(int fd) {
  if (ioctl(fd, TIOCSCTTY, 0) != 0) fail(PHASE_TTY, errno);
}

static void take_streams(const struct streams *streams) {
  // All three are above 2, so that none is overwritten before it is copied.
  for (int i = 0; i < 3; i++) {
    if (dup2(streams->fd[i], i) < 0) fail(PHASE_RESOURCES, errno);
  }
}

// As execvp(3): what has no interpreter is for the shell. `argv` has two places more before it ends.
static void run_file(const char *file, char **argv, char *const *envp) {
  execve(file, argv, envp);
  if (errno != ENOEXEC) return;
  size_t size = 0;
  while (argv[size] != NULL) size++;
  memmove(argv + 2, argv + 1, size * sizeof *argv);
  argv[0] = (char *)"/bin/sh";
  argv[1] = (char *)file;
  execve("/bin/sh", argv, envp);
  errno = ENOEXEC;
}

struct execution {
  char **argv;
  char *const *envp;
  bool forbidden;  // one that may not be executed was passed over
};

// Returns only to look further.
static bool execute(const char *file, void *context) {
  struct execution *execution = context;
  bool searches = strchr(execution->argv[0], '/') == NULL;
  struct stat found;
  // An execve(2) that fails costs several times as much as a look, and most entries do not have it.
  if (searches && stat(file, &found) != 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return true;
  run_file(file, execution->argv, execution->envp);
  int error = errno;
  bool exists = stat(file, &found) == 0;
  // There, but without its interpreter.
  bool has_no_interpreter = error == ENOENT && exists;
  bool is_elsewhere = error == ENOENT || error == ENOTDIR || error == EACCES;
  if (!searches || has_no_interpreter || !is_elsewhere) fail_with(PHASE_EXEC, exists, error);
  if (error == EACCES) execution->forbidden = exists || execution->forbidden;
  return true;
}

static void run_program(char **argv, char *const *envp) {
  struct execution execution = {argv, envp, false};
  search_program(argv[0], envp, execute, &execution);
  fail_with(PHASE_EXEC, execution.forbidden, execution.forbidden ? EACCES : ENOENT);
}

// Between vfork(2) and exec(2): no allocation, nothing that another process would notice.
static void become_program(const struct spawn *spawn, const struct streams *streams) {
  setsid();
  if (spawn->flags & SPAWN_TTY) take_terminal(streams->fd[1]);
  take_streams(streams);
  memory_offer();
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = original_open_files;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  if (!take_rights(spawn)) fail(PHASE_USER, errno);
  if (chdir(spawn->cwd) != 0) fail(PHASE_CWD, errno);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  run_program(spawn->argv, spawn->envp);
}

pid_t start_program(const struct spawn *spawn, const struct streams *streams, struct failure *failure) {
  pid_t program = -1;
  if (pipe2(failures, O_CLOEXEC) == 0) program = vfork();
  if (program == 0) become_program(spawn, streams);
  *failure = (struct failure){errno, PHASE_RESOURCES, 0};
  if (program < 0) return -1;
  close(failures[1]);
  ssize_t got;
  while ((got = read(failures[0], failure, sizeof *failure)) < 0 && errno == EINTR) continue;
  close(failures[0]);
  if (got <= 0) return program;
  waitpid(program, NULL, 0);
  return -1;
}
