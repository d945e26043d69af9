#!/bin/sh
# Builds the program under AddressSanitizer and UBSan, for this machine: build-sanitized.sh OUTPUT. All of it, also what
# runs between vfork(2) and exec(2). Leaks are the fuzzer's: nobody may trace the supervisor, which LeakSanitizer does.
# Its standard error is nobody's: ASAN_OPTIONS=detect_leaks=0:log_path=FILE writes reports to files. UBSan's have no
# file: it ends the process with code 1.
set -eu
cd "$(dirname "$0")"
"${CC:-gcc}" -std=c11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer -fno-sanitize-recover=all \
  -fsanitize=address,undefined -o "$1" ./*.c
