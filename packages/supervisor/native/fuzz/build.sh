#!/bin/sh
# Builds the two fuzzers into a folder: build.sh FOLDER. Needs clang with libFuzzer (Debian: clang, libclang-rt-14-dev).
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
compile() {
  "${CLANG:-clang}" -std=c11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer -fno-sanitize-recover=all \
    -fsanitize=fuzzer,address,undefined "$@"
}
compile -o "$folder/decode" decode-fuzz.c ../decode.c
cd ..
# All that has no process, connection or clock of its own (fuzz/world.c has them); serve-fuzz.c includes the loop.
sources=$(ls ./*.c | grep -vE '/(main|serve|keeper|program|tree|memory|listening)\.c$')
# shellcheck disable=SC2086
compile -DPLACES=8 -o "$folder/serve" fuzz/serve-fuzz.c fuzz/world.c fuzz/client.c $sources \
  -Wl,--wrap=kill,--wrap=waitpid,--wrap=_exit,--wrap=epoll_wait,--wrap=clock_gettime,--wrap=socket,--wrap=connect
